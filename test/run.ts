import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is read of vitest's JSON report. */
interface Report {
  numPassedTests: number;
  testResults: {
    name: string;
    status: string;
    message?: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

// Runs every test and ends with `N passed, N failed` alone on the last line. Arguments go to vitest.
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'assay-test-report-'));
const reportFile = join(folder, 'report.json');
// Ctrl-C reaches the child too; what it has reported is still counted.
process.on('SIGINT', () => undefined);
const code = await new Promise<number | null>((resolve) => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  })
    .once('error', () => resolve(null))
    .once('exit', resolve);
});

const total = count(readReport(), code);
for (const name of total.skipped) console.log(`skipped: ${name}`);
rmSync(folder, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

/** A file that cannot be loaded, a runner that crashed and a run without tests are failures too. */
function count(
  report: Report | undefined,
  exitCode: number | null,
): { passed: number; failed: number; skipped: string[] } {
  const tests = report?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? [];
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const broken = report?.testResults.filter(({ status, assertionResults }) => {
    return status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
  });
  for (const { name, message } of broken ?? [])
    console.log(`failed to run: ${name}: ${message?.split('\n')[0] ?? ''}`);
  const failed = tests.filter(({ status }) => status === 'failed').length + (broken?.length ?? 0);
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  if (failed === 0 && (exitCode !== 0 || passed === 0)) {
    console.log(passed === 0 ? 'no test ran' : `the test runner ended with exit code ${exitCode}`);
    return { passed, failed: 1, skipped: [] };
  }
  return { passed, failed, skipped: skipped.map(({ fullName }) => fullName) };
}
