import { Sandbox, TimeoutError } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  const connection = { apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url };
  sandbox = await Sandbox.create({ ...connection, timeoutMs: 300_000 });
});
afterAll(() => server.stop());

async function running(what: string): Promise<number> {
  const { stdout } = await sandbox.commands.run(`ps -eo args | grep -c "[s]leep ${what}" || true`);
  return Number(stdout);
}

// The limit is the SDK's own, of a minute; nothing shorter is it.
test.concurrent('without a limit of its own a command outlives the default one, also while it is followed', async () => {
  const handle = await sandbox.commands.run('sleep 4001', { background: true });
  await expect(handle.wait()).rejects.toBeInstanceOf(TimeoutError);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await running('4001')).toBe(1);
  const again = await sandbox.commands.connect(handle.pid, { timeoutMs: 0 });
  expect(await again.kill()).toBe(true);
});

test.concurrent('a background command whose client has gone outlives the default limit', async () => {
  const handle = await sandbox.commands.run('sleep 4002', { background: true });
  await handle.disconnect();
  await new Promise((resolve) => setTimeout(resolve, 61_500));
  expect(await running('4002')).toBe(1);
});

test.concurrent('a limit that somebody has set ends the whole group, followed or not', async () => {
  const following = sandbox.commands.run('sleep 4003 & sleep 4003', { timeoutMs: 1_000 });
  await expect(following).rejects.toBeInstanceOf(TimeoutError);
  await expect.poll(() => running('4003'), { timeout: 5_000 }).toBe(0);
  const handle = await sandbox.commands.run('sleep 4004 & sleep 4004', {
    background: true,
    timeoutMs: 2_000,
  });
  await handle.disconnect();
  await expect.poll(() => running('4004'), { timeout: 10_000 }).toBe(0);
});
