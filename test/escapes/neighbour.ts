import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { Sandbox, Secret, Volume } from '@e2b/code-interpreter';

import type { TestSandboxServer } from '../support/sandbox-server.ts';
import type { Attempt, Network } from './corpus.ts';

/** Names that sandboxes with a network may look up. */
export const NAMES = {
  'A inner.example.com': ['10.9.9.9'],
  'A allowed.example.com': ['203.0.113.5'],
  'A secret.example.org': ['203.0.113.9'],
  'A ruled.example.com': ['203.0.113.6'],
  'A liar.example.com': ['203.0.113.11'],
};

/** A secret of a rule, by its name; its value is in no program of an attempt, but what it looks like. */
const KEY = 'escape-key';
const keyed = [{ transform: { headers: { 'X-Key': Secret.fill(KEY) } } }];

const NETWORKS = {
  open: { denyOut: ['203.0.113.0/24', '2001:db8::/32'] },
  listed: { denyOut: ['0.0.0.0/0'], allowOut: ['allowed.example.com'] },
  ruled: { rules: { 'ruled.example.com': keyed, 'liar.example.com': keyed } },
};

/** Small enough for attempts on them to be quick. */
export const LIMITS = [
  '--home-mb',
  '8',
  '--tmp-mb',
  '8',
  '--memory-mb',
  '128',
  '--processes',
  '64',
  '--volume-mb',
  '8',
];

const NEIGHBOUR_VOLUME = 'neighbour';

/** What a neighbour leaves where others might look for it; the file `ready` says that all of it is there. */
const MARKS = `
import ctypes, os, socket, threading
MARK = 'neighbour-mark-7431'
libc = ctypes.CDLL(None)
for path in ('/tmp/neighbour.txt', '/dev/shm/neighbour', '/mnt/data/mark.txt'):
    with open(path, 'w') as file: file.write(MARK)
libc.syscall(68, 7431, 0o1666)
libc.syscall(64, 7431, 1, 0o1666)
libc.syscall(240, b'neighbour', 0o102, 0o666, (ctypes.c_long * 8)(0, 1, 64))
def serve(family, address, kind=socket.SOCK_STREAM):
    s = socket.socket(family, kind); s.bind(address)
    if kind == socket.SOCK_STREAM: s.listen()
    def run():
        while True:
            if kind == socket.SOCK_STREAM: s.accept()[0].close()
            else: s.sendto(b'y', s.recvfrom(10)[1])
    threading.Thread(target=run, daemon=True).start()
serve(socket.AF_INET, ('127.0.0.1', 7431))
serve(socket.AF_INET, ('127.0.0.1', 7431), socket.SOCK_DGRAM)
serve(socket.AF_UNIX, '\\0neighbour-abstract')
if os.path.exists('/tmp/neighbour.sock'): os.unlink('/tmp/neighbour.sock')
serve(socket.AF_UNIX, '/tmp/neighbour.sock')
with open('ready', 'w') as file: file.write('in peace')
threading.Event().wait()
`;

/** A sandbox that others might look into, with all its marks. */
export async function startNeighbour({ connection }: TestSandboxServer): Promise<Sandbox> {
  // No program of an attempt has it in it, but what it looks like.
  const envs = { OWN: `variable-of-neighbour-${randomBytes(4).toString('hex')}` };
  const volume = await Volume.create(NEIGHBOUR_VOLUME, connection);
  await Secret.create(KEY, `value-of-a-rule-${randomBytes(4).toString('hex')}`, connection);
  const neighbour = await Sandbox.create({ ...connection, envs, volumeMounts: { '/mnt/data': volume } });
  await neighbour.files.write('marks.py', MARKS);
  await neighbour.commands.run('python3 marks.py neighbour-mark-7431 2>trouble', {
    background: true,
    timeoutMs: 0,
  });
  for (let tries = 0; !(await neighbour.files.exists('ready')); tries++) {
    if (tries > 600) throw new Error(`there is no neighbour: ${await neighbour.files.read('trouble')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return neighbour;
}

/** A sandbox for attempts, which are told what there is of the host to be found. */
export async function startAttacker(
  { connection }: TestSandboxServer,
  neighbour: Sandbox,
  hostPort: number,
  network?: Network,
): Promise<Sandbox> {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const idHash = createHash('sha256').update(neighbour.sandboxId).digest('hex');
  const volumes = await Volume.list(connection);
  const neighbours = volumes.find(({ name }) => name === NEIGHBOUR_VOLUME)?.volumeId ?? '';
  const volume = await Volume.create(`attacker-${volumes.length}`, connection);
  const envs = {
    HOST_PORT: String(hostPort),
    HOST_BOOT_ID: bootId,
    NEIGHBOUR_ID_SHA256: idHash,
    NEIGHBOUR_VOLUME_ID: neighbours,
  };
  const way = network && { allowInternetAccess: true, network: NETWORKS[network] };
  return Sandbox.create({ ...connection, envs, volumeMounts: { '/mnt/data': volume }, ...way });
}

/** The last line that an attempt prints, or how it ended without one. */
export async function runAttempt(
  sandbox: Sandbox,
  { program, isCell }: Pick<Attempt, 'program' | 'isCell'>,
): Promise<string> {
  if (isCell) return runCell(sandbox, program);
  try {
    await sandbox.files.write('/home/user/attempt.py', program);
    const run = await sandbox.commands.run('python3 -B /home/user/attempt.py 2>&1', { timeoutMs: 20_000 });
    return run.stdout.trim().split('\n').at(-1) ?? '';
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    return `ended: ${(stdout ?? '').trim().split('\n').at(-1) ?? ''} ${message}`;
  }
}

async function runCell(sandbox: Sandbox, program: string): Promise<string> {
  const said: string[] = [];
  // What an attempt says is its end, and that of its interpreter.
  const end = await sandbox
    .runCode(program, { onStdout: ({ line }) => void said.push(line), timeoutMs: 20_000 })
    .then(({ error }) => error?.traceback ?? '')
    .catch(String);
  return said.join('').trim().split('\n').at(-1) || `ended: ${end}`;
}
