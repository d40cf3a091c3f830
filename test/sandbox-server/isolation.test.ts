import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;
let neighbour: Sandbox;

beforeAll(async () => {
  process.env['ASSAY_TEST_SECRET'] = 'host-secret-1234';
  server = await startTestSandboxServer({ packages: false });
  const connection = { apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url };
  [sandbox, neighbour] = await Promise.all([Sandbox.create(connection), Sandbox.create(connection)]);
});
afterAll(() => server.stop());

/** What a command prints in the sandbox, whatever its exit code. */
async function output(command: string, where = sandbox): Promise<string> {
  return (await where.commands.run(`${command} 2>&1 || true`)).stdout.trim();
}

test('nothing of the host environment is inside', async () => {
  const everywhere = await output(`cat /proc/*/environ | tr '\\0' '\\n'`);
  for (const secret of ['host-secret-1234', server.apiKey, 'ASSAY_TOKEN'])
    expect(everywhere).not.toContain(secret);
});

test('only processes of the sandbox are seen, and none of the host', async () => {
  const pids = (await output('ls /proc | grep -E "^[0-9]+$"')).split('\n');
  expect(pids.length).toBeLessThan(20);
  expect(await output('cat /proc/*/cmdline | tr "\\0" " "')).not.toContain('sandbox-server');
});

test('the files of the host are not there', async () => {
  expect(await output('ls /root /home /mnt /srv /boot')).not.toMatch(/sandbox-server|\.ssh/);
  expect(await output(`ls ${process.cwd()}`)).toContain('No such file');
  expect(await output(`ls ${server.stateDir} /run/assay`)).not.toContain('guest.sock');
  expect(await output('cat /etc/shadow')).toMatch(/No such file|Permission denied/);
  expect(await output('echo x > /usr/bin/evil; echo x > /etc/evil; ls /usr/bin/evil /etc/evil')).not.toMatch(
    /^\//m,
  );
});

test('there is no network, not even to the host itself', async () => {
  const port = new URL(server.url).port;
  const probe = (host: string): string =>
    `timeout 3 bash -c 'exec 3<>/dev/tcp/${host}/${port}' && echo REACHED || echo refused`;
  expect(await output(probe('127.0.0.1'))).not.toContain('REACHED');
  expect(await output(probe('1.1.1.1'))).not.toContain('REACHED');
  expect(await output('ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev')).not.toContain('eth');
});

test('two sandboxes do not see each other', async () => {
  await sandbox.files.write('/tmp/mine.txt', 'mine');
  await sandbox.files.write('mine.txt', 'mine');
  await sandbox.commands.run('sleep 777', { background: true });
  expect(await output('ls /tmp /home/user /dev/shm; cat /proc/*/cmdline', neighbour)).not.toMatch(/mine|777/);
});

test('no rights can be had: no capabilities, no mounts, no new privileges', async () => {
  const status = await output('cat /proc/self/status');
  expect(status).toMatch(/CapEff:\s+0000000000000000/);
  expect(status).toMatch(/NoNewPrivs:\s+1/);
  expect(await output('mount -t tmpfs none /mnt && echo MOUNTED')).not.toContain('MOUNTED');
  expect(await output('unshare -Ur id && echo UNSHARED')).not.toContain('UNSHARED');
});

test('a fork bomb and a memory hog stay inside, the neighbour goes on', async () => {
  const bomb = sandbox.commands.run(':(){ :|:& };:; sleep 2', { timeoutMs: 4000 }).catch(() => undefined);
  const hog = sandbox.commands
    .run(`python3 -c "x = bytearray(8_000_000_000); x[::4096] = b'1' * len(x[::4096])" `, { timeoutMs: 8000 })
    .then(() => 'got it')
    .catch(() => 'stopped');
  const started = performance.now();
  expect((await neighbour.commands.run('echo fine')).stdout).toBe('fine\n');
  expect(performance.now() - started).toBeLessThan(2000);
  expect(await hog).toBe('stopped');
  await bomb;
}, 20_000);

test('after SIGKILL of the server nothing is left, and its state can be used again', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'assay-test-state-'));
  const first = await startTestSandboxServer({ packages: false, stateDir });
  const lost = await Sandbox.create({ apiKey: first.apiKey, apiUrl: first.url, sandboxUrl: first.url });
  await lost.commands.run('sleep 888', { background: true });
  const family = descendants(first.pid);
  expect(family.length).toBeGreaterThan(4);
  await first.kill();
  await expect.poll(() => family.filter(isRunning)).toEqual([]);

  const second = await startTestSandboxServer({ packages: false, stateDir });
  await expect(startTestSandboxServer({ packages: false, stateDir })).rejects.toThrow(`${second.pid} uses`);
  const connection = { apiKey: second.apiKey, apiUrl: second.url, sandboxUrl: second.url };
  expect((await (await Sandbox.create(connection)).commands.run('echo back')).stdout).toBe('back\n');
  await second.stop();
  rmSync(stateDir, { recursive: true });
});

test('SIGTERM ends every sandbox and leaves neither process nor file', async () => {
  const first = await startTestSandboxServer({ packages: false });
  const connection = { apiKey: first.apiKey, apiUrl: first.url, sandboxUrl: first.url };
  await (await Sandbox.create(connection)).commands.run('sleep 888', { background: true });
  const family = descendants(first.pid);
  const left = (): string[] => (existsSync(first.stateDir) ? readdirSync(first.stateDir) : []);
  expect(await first.stop()).toBe(0);
  expect(family.filter(isRunning)).toEqual([]);
  expect(left()).toEqual([]);
});

test('a zygote that dies is started again, and that is said', async () => {
  const own = await startTestSandboxServer({ packages: false });
  const connection = { apiKey: own.apiKey, apiUrl: own.url, sandboxUrl: own.url };
  const before = await Sandbox.create(connection);
  const record = JSON.parse(readFileSync(`${own.stateDir}/processes.json`, 'utf8')) as {
    children: { pid: number }[];
  };
  process.kill(record.children[0]?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => before.isRunning()).toBe(false);
  const after = await Sandbox.create(connection);
  expect((await after.commands.run('echo back')).stdout).toBe('back\n');
  expect(own.log.map((line) => line['event'])).toContain('zygote.died');
  await own.stop();
});

/** All processes under one, by /proc. */
function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (!stat) continue;
    const siblings = children.get(stat.parent) ?? [];
    siblings.push(Number(name));
    children.set(stat.parent, siblings);
  }
  const all: number[] = [];
  for (const queue = [pid]; queue.length > 0;) {
    const below = children.get(queue.pop() as number) ?? [];
    all.push(...below);
    queue.push(...below);
  }
  return all;
}

function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== 'Z';
}

function readStat(pid: number): { parent: number; state: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
