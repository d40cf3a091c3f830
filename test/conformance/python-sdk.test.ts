import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { assayHome } from '../../src/home.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';

const SUITE = join(dirname(fileURLToPath(import.meta.url)), 'python');
const run = promisify(execFile);

/** An environment with E2B's Python SDKs, made once for each list of them. */
async function pythonWithSdks(): Promise<string> {
  const requirements = join(SUITE, 'requirements.txt');
  const folder = join(assayHome(), 'conformance');
  const python = join(folder, 'bin', 'python');
  const stamp = join(folder, '.stamp');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python;
  await run(join(assayHome(), 'python', 'bin', 'python3'), ['-m', 'venv', '--clear', folder]);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  await run(python, install);
  writeFileSync(stamp, wanted);
  return python;
}

/**
 * The suite drives every call of E2B's Python SDK. Against the local server by default; with `ASSAY_CONFORMANCE=cloud` and `E2B_API_KEY` the same
 * against E2B's cloud, which shows where the suite itself is wrong.
 */
test('programs of the Python SDK work unchanged', { timeout: 600_000 }, async () => {
  const python = await pythonWithSdks();
  const cloud = process.env['ASSAY_CONFORMANCE'] === 'cloud';
  const server = cloud ? undefined : await startTestSandboxServer();
  const results = mkdtempSync(join(tmpdir(), 'assay-conformance-'));
  const report = join(results, 'report.xml');
  try {
    const where = server && {
      E2B_API_URL: server.url,
      E2B_SANDBOX_URL: server.url,
      E2B_VOLUME_API_URL: server.url,
      E2B_API_KEY: server.apiKey,
    };
    const env = { ...process.env, ...where, PYTHONDONTWRITEBYTECODE: '1' };
    const options = { cwd: SUITE, env, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await run(
      python,
      ['-m', 'pytest', '--tb=short', `--junitxml=${report}`],
      options,
    ).catch((error: unknown) => error as { stdout: string });
    const [, failures] =
      /<testsuite [^>]*errors="\d+" failures="(\d+)"/.exec(readFileSync(report, 'utf8')) ?? [];
    const [, tests = '0'] = /<testsuite [^>]*tests="(\d+)"/.exec(readFileSync(report, 'utf8')) ?? [];
    expect(failures, stdout).toBe('0');
    expect(stdout).not.toMatch(/\d+ error/);
    expect(Number(tests)).toBeGreaterThan(60);
  } finally {
    await server?.stop();
    rmSync(results, { recursive: true });
  }
});
