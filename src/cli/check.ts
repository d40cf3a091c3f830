import { Command, Option } from 'commander';
import type { Finding } from '../domain/finding.ts';
import type { Language } from '../domain/language.ts';
import { EXIT } from './exit-codes.ts';
import { languageOf, languageOption } from './language-option.ts';
import { readPolicy } from './policy-option.ts';
import { readText } from './read-input.ts';
import { renderCheck } from './render-findings.ts';

interface CheckOptions {
  language?: Language;
  policy: string;
  json?: boolean;
  sarif?: boolean;
}

/** What `assay check --json` prints. */
export interface CheckReport {
  language: Language;
  /** The preset's name, or `custom (extends …)`. */
  policy: string;
  accepted: boolean;
  findings: Finding[];
}

/** `assay check FILE|-`. */
export function checkCommand(): Command {
  return new Command('check')
    .summary('validate code without running it')
    .description(
      'Reads the syntax tree of the code and says what the policy finds in it. Needs no server and runs nothing.\n' +
        'It is a filter in front of the sandbox, never a replacement for it.',
    )
    .argument('<file>', 'file with code, or - for stdin')
    .addOption(languageOption())
    .option('-p, --policy <policy>', 'off, standard, strict, or a .json file with rules', 'standard')
    .addOption(new Option('--json', 'print one JSON document').conflicts('sarif'))
    .option('--sarif', 'print a SARIF 2.1.0 log, as code scanning tools read it')
    .addHelpText(
      'after',
      `
Examples:
  assay check solve.py
  assay check solve.py --policy strict --json
  cat solve.ts | assay check - --language typescript

Exit codes: 0 accepted, 1 syntax error, 2 rejected, 64 usage.`,
    )
    .action(check);
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const policy = await readPolicy(options.policy);
  const code = await readText(file, 'the code', { nul: true });
  const language = languageOf(file, code, options.language);
  const { validateCode } = await import('../validation/validate-code.ts');
  const { policy: name, accepted, findings } = await validateCode({ language, code, policy });
  const report: CheckReport = { language, policy: name, accepted, findings };
  process.stdout.write(`${await rendered(report, file, code, options)}\n`);
  process.exitCode = exitCodeOfCheck(report);
}

export function exitCodeOfCheck({ accepted, findings }: Pick<CheckReport, 'accepted' | 'findings'>): number {
  if (accepted) return EXIT.passed;
  return findings.some((finding) => finding.rule === 'syntax') ? EXIT.failed : EXIT.rejected;
}

async function rendered(
  report: CheckReport,
  file: string,
  code: string,
  options: CheckOptions,
): Promise<string> {
  if (options.json) return JSON.stringify(report, null, 2);
  const name = file === '-' ? 'stdin' : file;
  if (!options.sarif) return renderCheck(report, name, code);
  const { toSarif } = await import('../reports/sarif.ts');
  return JSON.stringify(toSarif([{ file: name, findings: report.findings }]), null, 2);
}
