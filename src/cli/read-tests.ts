import { LANGUAGES } from '../domain/language.ts';
import type { Language } from '../domain/language.ts';
import { UsageError } from './cli-error.ts';
import { guessTestKind } from './guess-tests.ts';
import { parseJson } from './parse-json.ts';
import { readText } from './read-input.ts';
import type { SpecOptions } from './run-options.ts';

type Fields = Record<string, unknown>;

/** The `tests` of the job: from `--tests`, or the job's own with the coverage that the options ask for. */
export async function readTests(job: Fields, options: SpecOptions): Promise<unknown> {
  const coverage = coverageOf(options);
  if (options.tests === undefined) {
    if (options.kind !== undefined)
      throw new UsageError('--kind says what --tests holds; give --tests FILE too');
    if (coverage === undefined) return undefined;
    const tests = job['tests'];
    if (typeof tests !== 'object' || tests === null)
      throw new UsageError('coverage is that of tests; give --tests FILE too');
    return { ...tests, coverage: { ...(tests as { coverage?: object }).coverage, ...coverage } };
  }
  const text = await readText(options.tests, 'the test file');
  if (text.trim() === '') throw new UsageError(`${options.tests} is empty; a test file must hold tests`);
  const kind = options.kind ?? guessTestKind(options.tests, text, languageIn(job));
  if (kind !== 'io') return { kind, code: text, ...(coverage && { coverage }) };
  if (coverage) throw new UsageError('coverage is measured for tests of kind pytest and node only');
  return { kind, cases: casesOf(parseJson(text, options.tests), options.tests) };
}

function casesOf(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new UsageError(`${path}: must be an array of cases, each {"stdin": "…", "stdout": "…"}`);
}

function coverageOf({ coverage, coverageLines, coverageBranches }: SpecOptions): Fields | undefined {
  if (!coverage && coverageLines === undefined && coverageBranches === undefined) return undefined;
  return {
    ...(coverageLines !== undefined && { lines: coverageLines }),
    ...(coverageBranches !== undefined && { branches: coverageBranches }),
  };
}

function languageIn(job: Fields): Language {
  return LANGUAGES.find((language) => language === job['language']) ?? 'python';
}
