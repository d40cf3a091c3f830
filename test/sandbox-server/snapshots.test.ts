import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';

import { Sandbox, SandboxNotFoundError } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
let sandbox: Sandbox;
const stateDir = mkdtempSync(join(tmpdir(), 'assay-test-snapshots-'));

async function start(): Promise<void> {
  server = await startTestSandboxServer({ packages: false, stateDir });
  connection = server.connection;
  sandbox = await Sandbox.create({ ...connection, envs: { COLOUR: 'green' }, metadata: { a: 'b' } });
}
beforeAll(start);
afterAll(async () => {
  await server.stop();
  rmSync(stateDir, { recursive: true });
});

test('sandboxes are made from a snapshot, each with files of its own', async () => {
  await sandbox.files.write('app/data.txt', 'before');
  const ticking = await sandbox.commands.run('while true; do date +%N > tick.txt; sleep 0.02; done', {
    background: true,
  });
  const { snapshotId } = await sandbox.createSnapshot();
  await sandbox.files.write('app/data.txt', 'after');
  const first = await Sandbox.create(snapshotId, connection);
  const second = await Sandbox.create(snapshotId, connection);
  await first.files.write('app/data.txt', 'changed');
  expect(await second.files.read('app/data.txt')).toBe('before');
  expect((await second.commands.run('echo $COLOUR')).stdout).toBe('green\n');
  expect(await sandbox.files.read('app/data.txt')).toBe('after');
  const tick = await sandbox.files.read('tick.txt');
  await expect.poll(() => sandbox.files.read('tick.txt'), { timeout: 15_000 }).not.toBe(tick);
  await ticking.kill();
  expect(await Sandbox.deleteSnapshot(snapshotId, connection)).toBe(true);
  expect(await Sandbox.deleteSnapshot(snapshotId, connection)).toBe(false);
  await expect(Sandbox.create(snapshotId, connection)).rejects.toThrow('not found');
  await Promise.all([first.kill(), second.kill()]);
});

test('snapshots are listed by sandbox and by name, in pages, and have names to start from', async () => {
  const named = await sandbox.createSnapshot({ name: 'with-data' });
  const other = await Sandbox.create(connection);
  const second = await other.createSnapshot();
  await other.kill();
  expect(named.names).toEqual(['with-data']);
  const list = (query: object) => Sandbox.listSnapshots({ ...connection, ...query });
  expect(await list({ sandboxId: sandbox.sandboxId }).nextItems()).toEqual([named]);
  expect(await list({ name: 'with-data' }).nextItems()).toEqual([named]);
  expect(await list({ name: 'without' }).nextItems()).toEqual([]);
  const pages = list({ limit: 1 });
  expect(await pages.nextItems()).toEqual([second]);
  expect(await pages.nextItems()).toEqual([named]);
  expect(pages.hasNext).toBe(false);
  const made = await Sandbox.create('with-data', connection);
  expect(await made.files.read('app/data.txt')).toBe('after');
  await made.kill();
  await expect(sandbox.createSnapshot({ name: '../../etc' })).rejects.toThrow('no name for an image');
});

test('a fork has the files, variables and metadata of its original, and goes its own way', async () => {
  const forks = await sandbox.fork({ count: 2, timeoutMs: 60_000 });
  for (const fork of forks) {
    if (fork instanceof Error) throw fork;
    expect(await fork.files.read('app/data.txt')).toBe('after');
    expect((await fork.getInfo()).metadata).toEqual({ a: 'b' });
    await fork.files.write('app/data.txt', 'forked');
    await fork.kill();
  }
  expect(await sandbox.files.read('app/data.txt')).toBe('after');
  await expect(Sandbox.fork('inosuchsandbox000000', connection)).rejects.toBeInstanceOf(SandboxNotFoundError);
});

test('folders right under / that a client made go with the files, up to a number', async () => {
  const maker = await Sandbox.create(connection);
  await maker.files.write('/srv-data/deep/a.txt', 'kept');
  const { snapshotId } = await maker.createSnapshot();
  const [fork] = await maker.fork();
  const copy = await Sandbox.create(snapshotId, connection);
  for (const each of [copy, fork as Sandbox]) {
    expect(await each.files.read('/srv-data/deep/a.txt')).toBe('kept');
    await each.commands.run('touch /srv-data/more');
    await each.kill();
  }
  await maker.pause({ keepMemory: false });
  await maker.connect();
  expect(await maker.files.read('/srv-data/deep/a.txt')).toBe('kept');
  for (let n = 1; n < 16; n++) await maker.files.makeDir(`/n${n}`);
  await expect(maker.files.makeDir('/one-more')).rejects.toThrow('Read-only file system');
  await expect(maker.files.write('/etc/file', 'x')).rejects.toThrow('Read-only file system');
  await expect(maker.files.write('/file', 'x')).rejects.toThrow('Read-only file system');
  await expect(maker.commands.run('mv /n1 /m1 || touch /x')).rejects.toThrow();
  await maker.kill();
});

test('a snapshot takes what a hostile sandbox has in its folders, and no more', async () => {
  const hostile = await Sandbox.create(connection);
  await hostile.commands.run(
    `ln -s /etc/passwd p; ln -s ../../../.. up; mkfifo pipe; touch -- '--checkpoint-action=exec=id' $'line\\nbreak'; ` +
      `mkdir -p deep/$(printf 'd/%.0s' $(seq 200)); truncate -s 900M sparse; chmod 000 p 2>/dev/null; mkdir shut; chmod 000 shut; true`,
  );
  const { snapshotId } = await hostile.createSnapshot();
  const size = readdirSync(join(stateDir, 'images')).filter((name) => name.startsWith(snapshotId));
  expect(size.toSorted()).toEqual([`${snapshotId}.json`, `${snapshotId}.tar`]);
  const copy = await Sandbox.create(snapshotId, connection);
  const listed = await copy.commands.run(
    `ls -d -- --checkpoint* $'line\\nbreak' p up pipe; stat -c %s sparse`,
  );
  expect(listed.stdout).toContain('943718400');
  await Promise.all([hostile.kill(), copy.kill()]);
});

test('snapshots survive a restart of the server and its death; halves of them do not', async () => {
  await server.kill();
  await start();
  const made = await Sandbox.create('with-data', connection);
  expect(await made.files.read('app/data.txt')).toBe('after');
  const halves = readdirSync(join(stateDir, 'images')).filter((name) => name.endsWith('.part'));
  expect(halves).toEqual([]);
});
