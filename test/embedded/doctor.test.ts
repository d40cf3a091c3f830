import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { nodeVersion } from '../../src/embedded/doctor/machine-checks.ts';
import { internetAccess, wayOut } from '../../src/embedded/doctor/sandbox-checks.ts';
import { PROJECT_ROOT } from '../../src/home.ts';
import { serverOnAnOldKernel } from '../support/old-kernel.ts';
import { tempHome } from './temp-home.ts';

interface Report {
  ok: boolean;
  checks: { name: string; status: string; found: string; mend?: string }[];
}

async function doctor(env: NodeJS.ProcessEnv): Promise<{ exitCode: number; report: Report }> {
  const run = promisify(execFile)(join(PROJECT_ROOT, 'bin/assay'), ['doctor', '--json'], { env });
  const { stdout, code = 0 } = (await run.catch(
    (error: unknown) => error as { stdout: string; code: number },
  )) as { stdout: string; code?: number };
  return { exitCode: code, report: JSON.parse(stdout) as Report };
}

test('on this installation nothing fails', async () => {
  using home = tempHome();
  const { exitCode, report } = await doctor(home.env);
  expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
  expect(report.ok).toBe(true);
  expect(exitCode).toBe(0);
  expect(report.checks.map(({ name }) => name)).toEqual([
    'Node',
    'npm packages',
    'Python',
    'Temporal CLI',
    'ports',
    'disk',
    'bubblewrap',
    'user namespaces',
    'internet access',
    'default template',
    'sandbox server',
    'store',
    'workflow bundle',
    'Temporal',
    'sandboxes',
  ]);
});

test('what is missing or wrong is named with the way to mend it', async () => {
  using home = tempHome();
  const empty = join(home.temp, 'empty');
  mkdirSync(empty);
  const { exitCode, report } = await doctor({
    ...home.env,
    ASSAY_HOME: empty,
    ASSAY_NODE: process.execPath,
    PATH: '/usr/bin:/bin',
    ASSAY_BWRAP: '/bin/false',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    E2B_API_KEY: 'k',
    E2B_API_URL: 'http://127.0.0.1:1',
    E2B_SANDBOX_URL: 'http://127.0.0.1:1',
  });
  expect(exitCode).toBe(3);
  const failed = new Map(
    report.checks.filter(({ status }) => status === 'fail').map((check) => [check.name, check]),
  );
  expect([...failed.keys()]).toEqual([
    'Temporal CLI',
    'bubblewrap',
    'user namespaces',
    'default template',
    'sandbox server',
    'Temporal',
    'sandboxes',
  ]);
  expect(failed.get('Temporal CLI')?.found).toMatch(/^the Temporal CLI is missing/);
  for (const { mend } of failed.values()) expect(mend).toMatch(/\w+/);
  expect(report.checks.find(({ name }) => name === 'internet access')).toMatchObject({
    status: 'warn',
    mend: "see 'user namespaces'",
  });
});

test('a kernel that hands no connections over is told of', async () => {
  using home = tempHome();
  expect((await internetAccess(home.env)).status).toBe('ok');
  const copy = join(home.temp, 'old-kernel');
  mkdirSync(copy);
  const old = await internetAccess(home.env, dirname(serverOnAnOldKernel(copy)));
  expect(old).toMatchObject({ status: 'warn', found: expect.stringContaining('HTTP_PROXY alone') as string });
  expect(old.mend).toContain('modprobe');
});

test.each([
  ['user.max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=15000'],
  ['kernel.unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  [
    'kernel.apparmor_restrict_unprivileged_userns',
    '1',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
])('%s = %s: the way out', async (name, value, command) => {
  expect(await wayOut(async (asked) => (asked === name ? value : undefined))).toContain(command);
});

test.each([
  ['20.20.2', 'fail'],
  ['22.17.9', 'fail'],
  ['22.18.0', 'ok'],
  ['24.0.0', 'ok'],
])('Node %s: %s', (version, status) => {
  expect(nodeVersion(version).status).toBe(status);
});
