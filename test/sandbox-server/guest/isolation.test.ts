import { homedir, hostname } from 'node:os';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { collect, startNest, type TestGuest, type TestNest } from './start-nest.ts';

let nest: TestNest;
let guest: TestGuest;

beforeAll(async () => {
  process.env['HOST_SECRET'] = 'of the host';
  nest = await startNest({ packages: false });
  guest = await nest.spawn({ memoryMb: 192, processes: 64, homeMb: 16, tmpMb: 16 });
});

afterAll(() => nest?.stop());

const python = (code: string) => guest.call('process.start', { cmd: 'python3', args: ['-c', code] });

test("nothing of the host's files is there, and what is there cannot be written", async () => {
  const { stdout } = await guest.sh(
    `ls -d ${process.cwd()} /home/*; ls -A ${homedir()}/ /root/; readlink /root; ls /run /var /tmp`,
  );
  expect(stdout).toBe('/home/user\n/home/user/.root\n/run:\ne2b\n\n/tmp:\n\n/var:\ntmp\n');
  const { stderr } = await guest.sh(
    'for d in / /usr /etc /opt /dev /proc/sys/kernel /run; do touch $d/x; done',
  );
  expect(stderr.trim().split('\n')).toHaveLength(7);
});

test("nothing of the host's processes and environment is there", async () => {
  const { stdout } = await guest.sh(
    'ls /proc | grep -c "^[0-9]"; cat /proc/*/environ | tr "\\0" "\\n"; hostname',
  );
  expect(Number(stdout.split('\n')[0])).toBeLessThan(8);
  expect(stdout).not.toContain('HOST_SECRET');
  expect(stdout).not.toContain('ASSAY_TOKEN');
  expect(stdout).toMatch(/\nsandbox\n$/);
  expect(hostname()).not.toBe('sandbox');
});

test('the way to the server is not there, nor any descriptor of the supervisor', async () => {
  const { stdout } = await guest.sh(
    'ls /run/assay; ls /proc/self/fd; for p in /proc/[0-9]*; do readlink $p/fd/*; done',
  );
  expect(stdout).not.toContain('socket:');
  const cell = await guest.run('ls -l /proc/self/fd /proc/$PPID/fd', { language: 'bash' });
  expect(cell.stdout.match(/socket:/g)).toHaveLength(1); // The kernel's own channel.
});

test('no right is left, and the calls that could win one are refused', async () => {
  const { stdout } = await guest.sh(
    'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; unshare -Ur true; mount -t tmpfs x /tmp',
  );
  expect(stdout.match(/0000000000000000/g)).toHaveLength(5);
  expect(stdout).toMatch(/NoNewPrivs:\t1\nSeccomp:\t2/);
  const probe = `
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(*args): return ctypes.get_errno() if libc.syscall(*args) < 0 else 'allowed'
import platform
x86 = platform.machine() == 'x86_64'
print(call(272 if x86 else 97, 0x10000000), call(425, 1, 0), call(321 if x86 else 280, 0, 0, 0), call(101 if x86 else 117, 0, 0, 0, 0), call(435, 0, 0))
for family in (socket.AF_PACKET, 40, 38):
    try: socket.socket(family, socket.SOCK_RAW); print('open')
    except OSError as e: print(e.errno)
import fcntl
try: fcntl.ioctl(0, 0x5412, b'x'); print('injected')
except OSError as e: print(e.errno)
`;
  expect((await python(probe)).stdout).toBe('1 38 1 1 38\n97\n97\n97\n1\n');
});

test('there is no network but its own loopback', async () => {
  const probe = `
import socket
for target in (('1.1.1.1', 80), ('127.0.0.1', 22), ('169.254.169.254', 80)):
    try: socket.create_connection(target, 1); print('connected')
    except OSError as e: print(e.errno)
s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print('own')
`;
  expect((await python(probe)).stdout).toBe('101\n111\n101\nown\n');
});

test('a fork bomb is contained and the sandbox works after it', async () => {
  const bomb = guest.link.open('process.start', {
    cmd: 'python3',
    args: ['-c', 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass'],
    user: 'user',
  });
  const first = await bomb.next();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const stats = (await guest.call('stats')).events[0] as { processes: number };
  expect(stats.processes).toBeLessThanOrEqual(64);
  const pid = first?.type === 'event' ? first.event['pid'] : 0;
  await guest.call('process.signal', { pid, signal: 9 });
  expect((await collect(bomb)).events.at(-1)).toMatchObject({ signal: 9 });
  expect((await guest.sh('echo works')).stdout).toBe('works\n');
});

test('one process above the memory limit gets an error, several are killed with the reason', async () => {
  expect((await python('x = bytearray(400 << 20)')).stderr).toContain('MemoryError');
  const hog = `
import os, time
first = os.getpid()
for _ in range(2): os.fork()
x = bytearray((120 if os.getpid() == first else 60) << 20)
time.sleep(20)
`;
  const answer = await python(hog);
  expect(answer.events.at(-1)).toMatchObject({
    signal: 9,
    error: 'signal: killed (memory limit of 192 MB reached)',
  });
  await guest.sh('kill -9 -1');
  expect((await guest.sh('echo works')).stdout).toBe('works\n');
});

test('a command that kills itself is not said to be killed for its memory', async () => {
  const command = await guest.sh('kill -9 $$');
  expect(command.exit).toMatchObject({ signal: 9, error: 'signal: killed' });
});

test('the disk is bounded, in size and in number of files', async () => {
  const { stderr } = await guest.sh(
    'for d in ~ /tmp /dev/shm; do head -c 20M /dev/zero > $d/big; rm $d/big; done',
  );
  expect(stderr.match(/No space left/g)).toHaveLength(3);
  expect((await guest.sh('mkdir f; cd f; touch {1..5000} 2>&1 | tail -1; cd; rm -r f')).stdout).toContain(
    'No space left',
  );
});

test('kill -9 -1 ends the processes of the sandbox and not the sandbox', async () => {
  const sleeper = guest.link.open('process.start', { cmd: '/bin/sleep', args: ['1000'], user: 'user' });
  await sleeper.next();
  await guest.sh('kill -9 -1; kill -9 1');
  expect((await collect(sleeper)).events.at(-1)).toMatchObject({ signal: 9 });
  expect((await guest.sh('echo works')).stdout).toBe('works\n');
});

test('sandboxes see nothing of each other, and end when killed', async () => {
  const other = await nest.spawn();
  await other.call('file.write', { path: '/tmp/other' }, 'x');
  expect((await guest.call('file.stat', { path: '/tmp/other' })).error?.code).toBe('not_found');
  await other.kill();
  await expect(other.link.closed).resolves.toBeUndefined();
  expect((await guest.sh('echo works')).stdout).toBe('works\n');
});
