import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Sandbox, SandboxNotFoundError, TimeoutError } from '@e2b/code-interpreter';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { footprint } from '../support/footprint.ts';
import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let idleProcesses: number;
let connection: TestSandboxServer['connection'];

beforeAll(async () => {
  server = await startTestSandboxServer({ args: ['--max-sandboxes', '5'] });
  connection = server.connection;
  await (await Sandbox.create(connection)).kill();
  idleProcesses = footprint(server.pid).processes;
});
afterEach(async () => {
  const paginator = Sandbox.list(connection);
  while (paginator.hasNext) {
    for (const { sandboxId } of await paginator.nextItems()) await Sandbox.kill(sandboxId, connection);
  }
});
afterAll(() => server.stop());

test('a pause keeps files, commands and interpreters, and stops them all', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.files.write('note.txt', 'kept');
  await sandbox.runCode('x = 41');
  const clock = await sandbox.commands.run('while true; do date +%s%3N >> times.txt; sleep 0.02; done', {
    background: true,
    timeoutMs: 0,
  });
  clock.wait().catch(() => undefined);
  await expect.poll(() => sandbox.files.exists('times.txt')).toBe(true);
  expect(await sandbox.pause()).toBe(true);
  expect(await sandbox.pause()).toBe(false);
  expect(await sandbox.isRunning()).toBe(false);
  expect((await sandbox.getInfo()).state).toBe('paused');
  await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(SandboxNotFoundError);
  expect(await Sandbox.list({ ...connection, query: { state: ['paused'] } }).nextItems()).toHaveLength(1);
  expect(await Sandbox.list({ ...connection, query: { state: ['running'] } }).nextItems()).toEqual([]);
  expect(await sandbox.getMetrics()).toEqual([]);

  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await sandbox.connect()).toBe(sandbox);
  // It goes on, and saw a gap in time.
  const longestGap = async (): Promise<number> => {
    const times = (await sandbox.files.read('times.txt')).trim().split('\n').map(Number);
    return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
  };
  await expect.poll(longestGap, { timeout: 15_000 }).toBeGreaterThan(650);
  expect(await sandbox.files.read('note.txt')).toBe('kept');
  expect((await sandbox.runCode('x + 1')).text).toBe('42');
  expect((await sandbox.commands.list()).map(({ pid }) => pid)).toContain(clock.pid);
});

test('a run that is cut by a pause does not hold up the next one', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.runCode('1');
  const cut = sandbox.runCode(
    'import time\nfor i in range(40): print("x" * 100_000); time.sleep(0.02)\ny = "whole"',
  );
  const failed = expect(cut).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await sandbox.pause();
  await failed;
  await sandbox.connect();
  expect((await sandbox.runCode('y')).text).toBe('whole');
});

test('a pause without memory keeps the files alone, and the sandbox boots anew', async () => {
  const sandbox = await Sandbox.create({ ...connection, envs: { COLOUR: 'green' } });
  await sandbox.files.write('note.txt', 'kept', { metadata: { origin: 'test' } });
  await sandbox.commands.run('chmod 750 note.txt; ln -s note.txt link; mkfifo pipe; touch /tmp/there');
  const bootId = await sandbox.files.read('/proc/sys/kernel/random/boot_id');
  await sandbox.commands.run('sleep 1000', { background: true });
  expect(await sandbox.pause({ keepMemory: false })).toBe(true);
  expect(await sandbox.isRunning()).toBe(false);
  await sandbox.connect();
  expect(await sandbox.files.read('link')).toBe('kept');
  const found = await sandbox.commands.run(
    'stat -c %a note.txt; ls /tmp/there; echo $COLOUR; pgrep -c sleep || true',
  );
  expect(found.stdout).toBe('750\n/tmp/there\ngreen\n0\n');
  expect((await sandbox.files.getInfo('note.txt')).metadata ?? {}).toEqual(
    expect.objectContaining((await supportsMetadata(sandbox)) ? { origin: 'test' } : {}),
  );
  expect(await sandbox.files.read('/proc/sys/kernel/random/boot_id')).not.toBe(bootId);
});

test('a sandbox with its memory can be booted anew too', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.files.write('note.txt', 'kept');
  await sandbox.commands.run('sleep 1000', { background: true });
  await sandbox.pause();
  await sandbox.connect({ onResume: 'reboot' });
  expect((await sandbox.commands.run('cat note.txt; pgrep -c sleep || true')).stdout).toBe('kept0\n');
});

test('a sandbox whose time is up pauses where it was asked to, and a request wakes it up where that was', async () => {
  const lifecycle = { onTimeout: 'pause', autoResume: false } as const;
  const asleep = await Sandbox.create({ ...connection, timeoutMs: 1_000, lifecycle });
  const awake = await Sandbox.create({
    ...connection,
    timeoutMs: 1_000,
    lifecycle: { ...lifecycle, autoResume: true },
  });
  await awake.runCode('x = 1');
  // The client that follows it asks whether the sandbox runs when the pause cuts it off, which wakes nothing.
  await awake.commands.run('sleep 60', { background: true });
  await expect.poll(async () => (await asleep.getInfo()).state, { timeout: 10_000 }).toBe('paused');
  await expect.poll(async () => (await awake.getInfo()).state, { timeout: 10_000 }).toBe('paused');
  expect(await asleep.isRunning()).toBe(false);
  expect(await awake.isRunning()).toBe(false);
  expect((await awake.getInfo()).state).toBe('paused');
  expect((await awake.getInfo()).lifecycle).toEqual({ onTimeout: 'pause', autoResume: true });
  expect((await awake.runCode('x')).text).toBe('1');
});

test('sandboxes that are paused can be killed, and count where they hold memory', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => Sandbox.create(connection)));
  await all[0]?.pause();
  await expect(Sandbox.create(connection)).rejects.toThrow('at most 5');
  await all[1]?.pause({ keepMemory: false });
  const sixth = await Sandbox.create(connection);
  await expect(all[1]?.connect()).rejects.toThrow('at most 5');
  await sixth.kill();
  for (const sandbox of all) expect(await sandbox.kill()).toBe(true);
  await expect(all[1]?.connect()).rejects.toBeInstanceOf(SandboxNotFoundError);
});

test('one that is killed while it is paused or resumed leaves nothing', async () => {
  const before = readdirSync(join(server.stateDir, 'images'));
  for (let delayMs = 0; delayMs < 40; delayMs += 1) {
    const sandbox = await Sandbox.create(connection);
    await sandbox.commands.run('echo marked-4711 > mark; exec -a marked-4711 sleep 1000', {
      background: true,
    });
    const paused = sandbox.pause({ keepMemory: false }).catch(() => false);
    if (delayMs % 2 === 0) await paused;
    const resumed = sandbox.connect().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await sandbox.kill();
    await Promise.all([paused, resumed]);
    expect(await sandbox.kill()).toBe(false);
  }
  expect(await Sandbox.list(connection).nextItems()).toEqual([]);
  await expect
    .poll(() => footprint(server.pid).processes, { timeout: 30_000 })
    .toBeLessThanOrEqual(idleProcesses);
  expect(readdirSync(join(server.stateDir, 'images'))).toEqual(before);
});

test('commands that are followed end for the client when the sandbox is paused', async () => {
  const sandbox = await Sandbox.create(connection);
  const running = sandbox.commands.run('sleep 1000', { timeoutMs: 0 });
  const failed = expect(running).rejects.toBeInstanceOf(TimeoutError);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await sandbox.pause();
  await failed;
});

async function supportsMetadata(sandbox: Sandbox): Promise<boolean> {
  const { metadata } = await sandbox.files.write('probe.txt', '', { metadata: { a: 'b' } });
  return metadata !== undefined && (await sandbox.files.getInfo('probe.txt')).metadata?.['a'] === 'b';
}
