import { afterAll, beforeAll, expect, test } from 'vitest';

import { collect, startNest, type TestGuest, type TestNest } from './start-nest.ts';

let nest: TestNest;
let guest: TestGuest;

beforeAll(async () => {
  nest = await startNest({ packages: false });
  guest = await nest.spawn();
});

afterAll(() => nest?.stop());

/** The first event of a started process, with its stream. */
async function start(command: string, params: Record<string, unknown> = {}) {
  const args = ['-l', '-c', command];
  const stream = guest.link.open('process.start', {
    cmd: '/bin/bash',
    args,
    envs: {},
    user: 'user',
    ...params,
  });
  const first = await stream.next();
  if (first?.type !== 'event') throw new Error('no pid');
  return { stream, pid: first.event['pid'] as number };
}

test('a command gives its streams apart and its exit code', async () => {
  const { stdout, stderr, exit, events } = await guest.sh('echo out; echo err >&2; exit 3');
  expect({ stdout, stderr }).toEqual({ stdout: 'out\n', stderr: 'err\n' });
  expect(exit).toEqual({ exitCode: 3, status: 'exit status 3', error: 'exit status 3' });
  expect(events[0]).toEqual({ pid: expect.any(Number) });
});

test('a command has the home folder, the variables of the sandbox and its own', async () => {
  const { stdout } = await guest.sh('pwd; echo $FROM_SANDBOX $OWN; id -un', { envs: { OWN: 'a "b"' } });
  expect(stdout).toBe('/home/user\nyes a "b"\nuser\n');
  expect((await guest.sh('pwd', { cwd: '/tmp' })).stdout).toBe('/tmp\n');
});

test('what cannot start says why', async () => {
  expect((await guest.call('process.start', { cmd: '/nope', args: [] })).error?.code).toBe('not_found');
  expect((await guest.sh('true', { cwd: '/nope' })).error?.code).toBe('invalid_argument');
  expect((await guest.sh('true', { user: 'bob' })).error?.code).toBe('unauthenticated');
  expect((await guest.sh('true', { envs: { 'A=B': 'x' } })).error?.code).toBe('invalid_argument');
});

test('stdin arrives whole and ends with EOF', async () => {
  const text = 'x'.repeat(2_000_000);
  const { stdout, exit } = await guest
    .call('process.start', { cmd: '/bin/cat', args: [], stdin: true }, text)
    .then((answer) => ({ ...answer, exit: answer.events.at(-1) }));
  expect(exit).toMatchObject({ exitCode: 0 });
  expect(stdout === text).toBe(true);
});

test('output is held back while nobody reads it, and is whole in the end', async () => {
  const { stream } = await start('head -c 5000000 /dev/zero | tr "\\0" a; echo end > /tmp/written');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await guest.call('file.stat', { path: '/tmp/written' })).error?.code).toBe('not_found');
  const { stdout } = await collect(stream);
  expect(stdout.length).toBe(5_000_000);
});

test('a child that keeps the pipes does not hold up the end, and lives on', async () => {
  const { stdout } = await guest.sh('(sleep 0.3; echo late; echo done > /tmp/late) & echo early');
  expect(stdout).toBe('early\n');
  await expect
    .poll(async () => (await guest.call('file.read', { path: '/tmp/late' })).body.toString())
    .toBe('done\n');
});

test('a lost stream leaves the process running, and another can connect to it', async () => {
  const { stream, pid } = await start('read line; echo "got $line"', { stdin: true, tag: 'reader' });
  stream.cancel();
  const listed = (await guest.call('process.list')).events[0]?.['processes'] as {
    pid: number;
    tag: string;
  }[];
  expect(listed).toMatchObject([{ pid, tag: 'reader' }]);
  const connected = guest.link.open('process.connect', { tag: 'reader' });
  expect((await guest.call('process.input', { pid }, 'word\n')).error).toBeUndefined();
  expect((await collect(connected)).stdout).toBe('got word\n');
});

test('a kill takes all that the command has started with it', async () => {
  const { stream, pid } = await start('sleep 1000 & (sleep 1001 & setsid sleep 1002 & wait) & wait');
  await expect.poll(async () => (await guest.sh('pgrep -c sleep')).stdout).toBe('3\n');
  await guest.call('process.signal', { pid, signal: 9 });
  expect((await collect(stream)).events.at(-1)).toMatchObject({ signal: 9, status: 'signal: killed' });
  expect((await guest.sh('pgrep -c sleep')).stdout).toBe('0\n');
  expect((await guest.call('process.signal', { pid, signal: 9 })).error?.code).toBe('not_found');
});

test('a terminal has a size, echoes, and ends with its shell', async () => {
  const pty = { cols: 81, rows: 25 };
  const params = { cmd: '/bin/bash', args: ['-i', '-l'], envs: { PS1: '$ ' }, pty };
  const answer = await guest.call('process.start', params, 'stty size; tty\nexit 4\n');
  expect(answer.body.toString()).toContain('25 81\r\n/dev/pts/');
  expect(answer.events.at(-1)).toMatchObject({ exitCode: 4 });
});
