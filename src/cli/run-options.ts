import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { TestKind } from '../domain/job-spec.ts';
import type { Language } from '../domain/language.ts';
import { languageOption } from './language-option.ts';

/** The options of `assay run` that say what the job is. */
export interface SpecOptions {
  tests?: string;
  kind?: TestKind;
  language?: Language;
  policy?: string;
  timeout?: number;
  memory?: number;
  file: string[];
  artifact: string[];
  coverage?: boolean;
  coverageLines?: number;
  coverageBranches?: number;
  attempts?: number;
  key?: string;
  label: Record<string, string>;
  template?: string;
  internet?: boolean;
}

/** Adds them to a command. In a job from a JSON file each overrides the field that it stands for. */
export function addSpecOptions(command: Command): Command {
  return command
    .option('-t, --tests <file>', 'test file; `io` cases as a JSON array of {stdin, stdout}')
    .addOption(
      new Option('-k, --kind <kind>', 'kind of the tests (default: by the test file)').choices([
        'pytest',
        'node',
        'script',
        'io',
      ]),
    )
    .addOption(languageOption())
    .option('-p, --policy <policy>', 'off, standard, strict, or a .json file with rules (default: standard)')
    .option('--timeout <seconds>', 'wall time of each of execute and test (default: 30)', number(0.1, 86_400))
    .option('--memory <MiB>', 'memory of the code (default: 512)', wholeNumber(32, 65_536))
    .option(
      '-f, --file <path[=name]>',
      'input file, and its name in the working folder; may be repeated',
      appended,
      [],
    )
    .option('-a, --artifact <glob>', 'files to keep, such as "out/*.png"; may be repeated', appended, [])
    .option('--coverage', 'measure coverage of the tests')
    .option('--coverage-lines <percent>', 'least share of lines that the tests must cover', number(0, 100))
    .option(
      '--coverage-branches <percent>',
      'least share of branches that the tests must cover',
      number(0, 100),
    )
    .option('--attempts <number>', 'attempts of the code in all (default: 3)', wholeNumber(1, 100))
    .option('--key <key>', 'the same key is the same job (default: a new job)')
    .option('--label <name=value>', 'a label of your own; may be repeated', nameValue, {})
    .option('--template <name>', 'sandbox template (default: default)')
    .option('--internet', 'let the sandbox reach the internet');
}

/** A parser of option values: a number within bounds. */
export function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}`);
  };
}

/** The same for whole numbers. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}`);
  };
}

/** A collector of option values that may be repeated. */
export function appended(value: string, previous: string[]): string[] {
  return [...previous, value];
}

/** A collector of `name=value`. */
export function nameValue(text: string, previous: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must look like name=value');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
