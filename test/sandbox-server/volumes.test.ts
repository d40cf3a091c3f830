import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Sandbox, Volume, VolumeError, VolumeNotFoundError, VolumePathNotFoundError } from 'e2b';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

const VOLUME_MB = 16;
let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
const stateDir = mkdtempSync(join(tmpdir(), 'assay-test-volumes-'));

async function start(): Promise<void> {
  const args = ['--volume-mb', String(VOLUME_MB)];
  server = await startTestSandboxServer({ packages: false, stateDir, args });
  connection = server.connection;
  process.env['E2B_VOLUME_API_URL'] = server.url;
}
beforeAll(start);
afterAll(async () => {
  delete process.env['E2B_VOLUME_API_URL'];
  await server.stop();
  rmSync(stateDir, { recursive: true });
});

let count = 0;
const makeVolume = (): Promise<Volume> => Volume.create(`volume-${(count += 1)}`, connection);
const makeSandbox = (volumeMounts: Record<string, Volume | string>): Promise<Sandbox> =>
  Sandbox.create({ ...connection, volumeMounts });
const dataDir = (): string => join(stateDir, 'volumes', 'data');

test('volumes are made, found by id, listed and removed', async () => {
  const volume = await makeVolume();
  expect(await Volume.getInfo(volume.volumeId, connection)).toMatchObject({
    volumeId: volume.volumeId,
    name: volume.name,
    token: volume.token,
  });
  expect(await Volume.list(connection)).toContainEqual({ volumeId: volume.volumeId, name: volume.name });
  await expect(Volume.create(volume.name, connection)).rejects.toThrow(/already/);
  await expect(Volume.create('../up', connection)).rejects.toThrow(/no name for a volume/);
  expect(await Volume.destroy(volume.volumeId, connection)).toBe(true);
  expect(await Volume.destroy(volume.volumeId, connection)).toBe(false);
  await expect(Volume.getInfo(volume.volumeId, connection)).rejects.toThrow(VolumeNotFoundError);
  await expect.poll(() => readdirSync(dataDir())).not.toContain(volume.volumeId);
});

test('files of a volume are written, read, listed and removed without a sandbox', async () => {
  const volume = await makeVolume();
  const written = await volume.writeFile('/a.txt', 'content', { uid: 12, gid: 34, mode: 0o640 });
  expect(written).toMatchObject({
    name: 'a.txt',
    path: '/a.txt',
    type: 'file',
    size: 7,
    mode: 0o640,
    uid: 12,
    gid: 34,
  });
  expect(written.mtime.getTime()).toBeGreaterThan(Date.now() - 60_000);
  expect(await volume.readFile('a.txt')).toBe('content');
  await expect(volume.writeFile('/a.txt', 'other')).rejects.toThrow(/409/);
  expect(await volume.readFile('/a.txt')).toBe('content');
  await volume.writeFile('/a.txt', '', { force: true });
  expect(await volume.readFile('/a.txt', { format: 'bytes' })).toEqual(new Uint8Array());
  expect(await volume.getInfo('/a.txt')).toMatchObject({ mode: 0o640, uid: 12, size: 0 });
  expect(await volume.updateMetadata('/a.txt', { uid: 1001, mode: 0o400 })).toMatchObject({
    uid: 1001,
    gid: 34,
    mode: 0o400,
  });
  await expect(volume.makeDir('/x/y')).rejects.toThrow(VolumePathNotFoundError);
  expect(await volume.makeDir('/x/y', { force: true })).toMatchObject({ type: 'directory', uid: 1000 });
  await expect(volume.makeDir('/x')).rejects.toThrow(/409/);
  await volume.writeFile('/x/y/z/deep', 'd', { force: true });
  const paths = async (depth: number): Promise<string[]> =>
    (await volume.list('/', { depth })).map(({ path }) => path);
  expect(await paths(1)).toEqual(['/a.txt', '/x']);
  expect(await paths(4)).toEqual(['/a.txt', '/x', '/x/y', '/x/y/z', '/x/y/z/deep']);
  await volume.remove('/x');
  expect(await volume.exists('/x')).toBe(false);
  await expect(volume.remove('/x')).rejects.toThrow(VolumePathNotFoundError);
  await expect(volume.remove('/')).rejects.toThrow(/cannot be removed/);
  await expect(volume.readFile('../secrets.json')).rejects.toThrow(/leads out/);
});

test('20 MB are streamed into a volume that has room, and what has none is refused and taken away', async () => {
  const volume = await makeVolume();
  const pieces = 12;
  const stream = (length: number): ReadableStream<Uint8Array> =>
    ReadableStream.from(Array.from({ length }, () => new Uint8Array(1024 * 1024).fill(7)));
  await volume.writeFile('/big', stream(pieces));
  let read = 0;
  for await (const bytes of await volume.readFile('/big', { format: 'stream' })) read += bytes.length;
  expect(read).toBe(pieces * 1024 * 1024);
  await expect(volume.writeFile('/more', stream(pieces))).rejects.toThrow(/507.*full/);
  expect(await volume.exists('/more')).toBe(false);
  await volume.remove('/big');
  await expect
    .poll(() => volume.writeFile('/more', stream(pieces), { force: true }).catch(String), { timeout: 15_000 })
    .toMatchObject({ size: pieces * 1024 * 1024 });
});

test('sandboxes have a volume at the same time, at places of their own, and it outlives them', async () => {
  const volume = await makeVolume();
  const first = await makeSandbox({ '/mnt/data': volume });
  const second = await makeSandbox({ '/home/user/deep/er': volume.name });
  expect(await first.getInfo()).toMatchObject({ volumeMounts: [{ name: volume.name, path: '/mnt/data' }] });
  await first.files.write('/mnt/data/hello.txt', 'from the first');
  expect(await second.files.read('deep/er/hello.txt')).toBe('from the first');
  await second.commands.run('echo more >> deep/er/hello.txt && mkdir deep/er/folder');
  expect(await volume.readFile('/hello.txt')).toBe('from the firstmore\n');
  await volume.writeFile('/folder/api.txt', 'by the API');
  expect(await first.files.read('/mnt/data/folder/api.txt')).toBe('by the API');
  await Promise.all([first.kill(), second.kill()]);
  const third = await makeSandbox({ '/srv': volume });
  expect((await third.commands.run('cat /srv/hello.txt; stat -c %U /srv/folder')).stdout).toBe(
    'from the firstmore\nuser\n',
  );
  await third.kill();
});

test('mounts that cannot be are refused, each with its reason', async () => {
  const volume = await makeVolume();
  const refused = async (mounts: Record<string, Volume | string>, words: RegExp): Promise<void> =>
    void (await expect(makeSandbox(mounts)).rejects.toThrow(words));
  await refused({ '/mnt': 'no-such-volume' }, /#0: there is no volume 'no-such-volume'/);
  for (const path of [
    '/',
    '/usr/x',
    '/etc',
    '/home/user',
    '/tmp',
    '/proc/self',
    '/dev',
    '/lib64',
    '/run',
    '/var/tmp/x',
  ])
    await refused({ [path]: volume }, /is a folder of the system/);
  for (const path of ['/a/../usr', '/a//b', '/a/', '/a/.', '/a\nb'])
    await refused({ [path]: volume }, /not a clean path/);
  await refused({ relative: volume }, /not absolute/);
  await refused({ '/a': volume, '/a/b': volume.name }, /#1: '\/a\/b' and '\/a' lie in each other/);
});

test('pauses, snapshots and forks have the volume again and never copy what is in it', async () => {
  const volume = await makeVolume();
  const mounts = { '/home/user/data': volume, '/tmp/data': volume };
  const sandbox = await makeSandbox(mounts);
  await sandbox.files.write('/home/user/data/shared.txt', 'one');
  await sandbox.files.write('own.txt', 'mine');
  const { snapshotId } = await sandbox.createSnapshot();
  const [fork] = await sandbox.fork({ timeoutMs: 60_000 });
  if (!(fork instanceof Sandbox)) throw fork ?? new Error('no fork');
  await sandbox.pause({ keepMemory: false });
  await volume.writeFile('/shared.txt', 'two', { force: true });
  expect(await fork.files.read('/tmp/data/shared.txt')).toBe('two');
  await sandbox.connect();
  expect(await sandbox.files.read('data/shared.txt')).toBe('two');
  expect(await sandbox.files.read('own.txt')).toBe('mine');
  const without = await Sandbox.create(snapshotId, connection);
  expect((await without.commands.run('ls -A data /tmp/data; cat own.txt')).stdout).toBe(
    '/tmp/data:\n\ndata:\nmine',
  );
  // What the snapshot has at the place of a volume does not get into it.
  await without.files.write('data/from-image.txt', 'image');
  const { snapshotId: filled } = await without.createSnapshot();
  const over = await Sandbox.create(filled, { ...connection, volumeMounts: { '/home/user/data': volume } });
  expect((await over.commands.run('ls -A data; cat own.txt')).stdout).toBe('shared.txt\nmine');
  await Promise.all([sandbox, fork, without, over].map((each) => each.kill()));
});

test('content survives a server that is killed, and what it was about to remove is removed by the next', async () => {
  const volume = await makeVolume();
  const doomed = await makeVolume();
  const sandbox = await makeSandbox({ '/mnt': volume, '/doomed': doomed });
  await sandbox.commands.run('echo kept > /mnt/kept.txt; mkdir -p /doomed/a/b; chmod 0 /doomed/a');
  await volume.writeFile('/api.txt', 'kept too', { uid: 7 });
  // Its record is what makes a volume: without it the folder is nobody's.
  rmSync(join(stateDir, 'volumes', `${doomed.volumeId}.json`));
  await server.kill();
  await start();
  expect(await volume.readFile('/kept.txt')).toBe('kept\n');
  expect(await volume.getInfo('/api.txt')).toMatchObject({ uid: 7, size: 8 });
  expect(await Volume.connect(volume.volumeId, connection)).toMatchObject({ name: volume.name });
  await expect.poll(() => readdirSync(dataDir()), { timeout: 15_000 }).not.toContain(doomed.volumeId);
  const again = await makeSandbox({ '/mnt': volume });
  expect((await again.commands.run('cat /mnt/kept.txt')).stdout).toBe('kept\n');
  await again.kill();
});

test('a volume that is removed is empty for sandboxes that have it, and gone for those that come back', async () => {
  const volume = await makeVolume();
  const sandbox = await makeSandbox({ '/mnt/data': volume });
  const paused = await makeSandbox({ '/mnt/data': volume });
  await sandbox.files.write('/mnt/data/a/b.txt', 'x');
  await paused.pause({ keepMemory: false });
  expect(await Volume.destroy(volume.volumeId, connection)).toBe(true);
  await expect(volume.readFile('/a/b.txt')).rejects.toThrow(VolumePathNotFoundError);
  await expect.poll(async () => (await sandbox.commands.run('ls -A /mnt/data')).stdout).toBe('');
  await expect(paused.connect()).rejects.toThrow(/is not there any more/);
  const other = await Volume.create(volume.name, connection);
  expect(await other.list('/')).toEqual([]);
  await Promise.all([sandbox.kill(), paused.kill()]);
  await expect.poll(() => readdirSync(dataDir())).not.toContain(volume.volumeId);
});

test('a full volume can only be read until there is room, and who writes on is ended', async () => {
  const volume = await makeVolume();
  const idle = await makeSandbox({ '/mnt/data': volume });
  const touch = async (): Promise<string> =>
    (await idle.commands.run('touch /mnt/data/more 2>&1 && echo written || true')).stdout;
  await idle.commands.run(`head -c ${VOLUME_MB + 1}M /dev/zero > /mnt/data/big`);
  await expect.poll(touch, { timeout: 15_000 }).toMatch(/Read-only/);
  await expect(volume.writeFile('/x', 'x')).rejects.toThrow(/507.*is full/);
  const late = await makeSandbox({ '/mnt/data': volume });
  expect((await late.commands.run('touch /mnt/data/x 2>&1 || true')).stdout).toMatch(/Read-only/);
  expect((await idle.commands.run('echo home > own; cat own')).stdout).toBe('home\n');
  await volume.remove('/big');
  await expect.poll(touch, { timeout: 15_000 }).toBe('written\n');
  const writing = late.commands.run(
    `until exec 3> /mnt/data/held; do sleep 0.1; done; head -c ${VOLUME_MB + 1}M /dev/zero >&3; sleep 30`,
  );
  await expect(writing).rejects.toThrow(/killed/);
  await expect.poll(() => late.isRunning(), { timeout: 15_000 }).toBe(false);
  expect(await idle.isRunning()).toBe(true);
  await idle.kill();
});

test('many empty files, and files in folders that nobody may read, are bounded too', async () => {
  const volume = await makeVolume();
  const sandbox = await makeSandbox({ '/mnt/data': volume });
  await sandbox.commands.run(
    `mkdir /mnt/data/shut && head -c ${VOLUME_MB + 1}M /dev/zero > /mnt/data/shut/big && chmod 0 /mnt/data/shut`,
  );
  const write = (): Promise<unknown> => volume.writeFile('/x', 'x', { force: true }).catch(String);
  await expect.poll(write, { timeout: 15_000 }).toMatch(/507.*is full/);
  await volume.remove('/shut');
  await expect.poll(write, { timeout: 15_000 }).toMatchObject({ size: 1 });
  const files = (VOLUME_MB * 1024) / 4 + 1;
  await sandbox.commands.run(
    `until touch /mnt/data/0 2>/dev/null; do sleep 0.1; done
     python3 -c "for i in range(${files}): open('/mnt/data/%d' % i, 'w').close()" || true`,
  );
  await expect.poll(write, { timeout: 15_000 }).toMatch(/507.*is full/);
  await sandbox.kill();
});

test('the token of a volume opens that volume alone', async () => {
  const volume = await makeVolume();
  const other = await makeVolume();
  await volume.writeFile('/secret.txt', 'secret');
  const thief = new Volume(volume.volumeId, volume.name, other.token);
  await expect(thief.readFile('/secret.txt')).rejects.toThrow(/token is not valid/);
  await expect(thief.writeFile('/new', 'x')).rejects.toThrow(/token is not valid/);
  for (const headers of [
    {},
    { 'x-api-key': connection.apiKey },
    { authorization: `Bearer ${connection.apiKey}` },
  ]) {
    const answer = await fetch(`${server.url}/volumecontent/${volume.volumeId}/path?path=/`, { headers });
    expect(answer.status).toBe(401);
  }
  const keyless = await fetch(`${server.url}/volumes`, {
    headers: { authorization: `Bearer ${volume.token}` },
  });
  expect(keyless.status).toBe(401);
  expect(statSync(join(stateDir, 'volumes')).mode & 0o777).toBe(0o700);
});

test('links, devices and endless trees that a sandbox leaves lead nowhere', async () => {
  const volume = await makeVolume();
  const other = await makeVolume();
  await other.writeFile('/mark.txt', 'neighbour');
  const sandbox = await makeSandbox({ '/mnt/data': volume });
  await sandbox.commands.run(
    [
      'cd /mnt/data && echo inside > real',
      'ln -s /etc/passwd abs; ln -s ../../../../../../etc/passwd rel; ln -s / root; ln -s .. up; ln -s loop loop',
      `ln -s ../${other.volumeId}/mark.txt neighbour; ln -s /proc/self/environ environ; ln -s real good; ln -s /real own`,
      'mkfifo fifo; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'sock\')"',
      "printf 'x' > $'new\\nline'; printf 'x' > $'\\xff\\xfe'; touch -d @99999999999 future",
    ].join('\n'),
  );
  for (const path of [
    'abs',
    'rel',
    'root/etc/passwd',
    'up/etc/passwd',
    'neighbour',
    'environ',
    `up/${other.volumeId}/mark.txt`,
  ])
    await expect(volume.readFile(path), path).rejects.toThrow(VolumePathNotFoundError);
  for (const path of ['fifo', 'sock', 'loop'])
    await expect(volume.readFile(path), path).rejects.toThrow(VolumeError);
  for (const path of ['abs', 'rel', 'fifo', 'sock', 'loop', 'environ'])
    await expect(volume.writeFile(path, 'x', { force: true }), path).rejects.toThrow();
  expect(await volume.readFile('good')).toBe('inside\n');
  expect(await volume.readFile('root/up/own')).toBe('inside\n');
  const kinds = Object.fromEntries(
    (await volume.list('/', { depth: 9 })).map(({ name, type }) => [name, type]),
  );
  expect(kinds).toMatchObject({
    abs: 'symlink',
    root: 'symlink',
    fifo: 'unknown',
    sock: 'unknown',
    real: 'file',
  });
  expect(Object.keys(kinds)).toContain('new\nline');
  await volume.remove('root');
  expect(await volume.readFile('real')).toBe('inside\n');
  // A lease would hold up whoever opens the file: none is given.
  const lease = `python3 -c "import fcntl; fcntl.fcntl(open('/mnt/data/real', 'r+'), 1024, 1)"`;
  await expect(sandbox.commands.run(lease)).rejects.toMatchObject({
    stderr: expect.stringContaining('Error'),
  });
  // Deeper than a path can be, with folders that nobody may enter.
  await sandbox.commands.run(
    `python3 -c "
import os
os.mkdir('/mnt/data/deep'); os.chdir('/mnt/data/deep')
for i in range(3000): os.mkdir('d' * 50); os.chdir('d' * 50)
open('end', 'w').close(); os.chmod('.', 0)"`,
  );
  await volume.remove('deep');
  expect(await volume.exists('deep')).toBe(false);
  await sandbox.kill();
});

test('nothing set-user-id works from a volume, and nothing of the template or another volume can be linked into it', async () => {
  const volume = await makeVolume();
  const other = await makeVolume();
  const sandbox = await makeSandbox({ '/mnt/a': volume, '/mnt/b': other });
  const { stdout } = await sandbox.commands.run(
    [
      'grep -c " /mnt/[ab] [^ ]*nosuid,nodev" /proc/self/mountinfo',
      'ln /usr/bin/env /mnt/a/env 2>/dev/null && echo linked',
      'echo x > /mnt/b/x; ln /mnt/b/x /mnt/a/x 2>/dev/null && echo linked',
      'mknod /mnt/a/null c 1 3 2>/dev/null && echo made',
      'ls /run /mnt',
      'true',
    ].join('\n'),
  );
  expect(stdout).toBe('2\n/mnt:\na\nb\n\n/run:\ne2b\n');
  await sandbox.kill();
});
