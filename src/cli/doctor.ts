import { Command } from 'commander';
import type { CheckResult } from '../embedded/doctor.ts';
import { runDoctor } from '../embedded/doctor.ts';
import { EXIT } from './exit-codes.ts';
import { printableLine } from './printable.ts';
import { style } from './style.ts';

/** `assay doctor`: each piece of an installation, and how to mend it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('check this installation and say how to mend it')
    .description('Looks at each piece of this installation. Exit code 0 where nothing fails, else 3.')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  assay doctor\n  assay doctor --json')
    .action(async (options: { json?: boolean }) => {
      const results = await runDoctor(
        process.env,
        options.json ? undefined : (result) => console.log(lineOf(result)),
      );
      const failed = results.filter(({ status }) => status === 'fail').length;
      if (options.json) console.log(JSON.stringify({ ok: failed === 0, checks: results }, undefined, 2));
      else
        console.log(
          failed === 0 ? '\nNothing is broken.' : `\n${failed} of ${results.length} checks failed.`,
        );
      process.exitCode = failed === 0 ? EXIT.passed : EXIT.error;
    });
}

const MARKS = { ok: style('green', 'ok  '), warn: style('yellow', 'warn'), fail: style('red', 'FAIL') };

function lineOf({ name, status, found, mend }: CheckResult): string {
  const line = `${MARKS[status]}  ${name.padEnd(17)} ${printableLine(found)}`;
  return mend === undefined
    ? line
    : `${line}\n${' '.repeat(24)}${style('bold', 'mend:')} ${printableLine(mend)}`;
}
