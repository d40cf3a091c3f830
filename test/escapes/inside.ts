/**
 * Runs inside an outer sandbox: a sandbox server with one guard taken away, or with all, a neighbour with marks to be found, a host with a service and
 * a secret, and the attempts. Prints what each attempt printed, as JSON.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Sandbox } from '@e2b/code-interpreter';

import type { Change } from './guards.ts';
import { MARKS, runAttempt } from './neighbour.ts';

const [root = '', input = ''] = process.argv.slice(2);
const { changes, programs, python, bwrap } = JSON.parse(readFileSync(input, 'utf8')) as {
  changes: Change[];
  programs: [string, string][];
  python: string;
  bwrap: string | undefined;
};

// A copy, for the guards are in its source.
mkdirSync('/tmp/work/src', { recursive: true });
cpSync(join(root, 'src/sandbox-server'), '/tmp/work/src/sandbox-server', { recursive: true });
cpSync(join(root, 'package.json'), '/tmp/work/package.json');
symlinkSync(join(root, 'node_modules'), '/tmp/work/node_modules');
for (const [file, from, to] of changes) {
  const path = join('/tmp/work/src/sandbox-server', file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no guard that reads: ${from}`);
  writeFileSync(path, text.replace(from, to));
}

const greet = (socket: Socket): void => void socket.on('error', () => undefined).end('host');
writeFileSync('/srv/host-secret.txt', 'host-secret-9152');
const host = createServer(greet).listen(0, '0.0.0.0');
await new Promise((resolve) => host.once('listening', resolve));
const abstract = createServer(greet).listen('\0host-abstract');

const limits = ['--home-mb', '8', '--tmp-mb', '8', '--memory-mb', '128', '--processes', '64'];
const server = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '/tmp/work/src/sandbox-server/main.ts', '--state', '/tmp/state', '--python', python, ...(bwrap ? ['--bwrap', bwrap] : []), '--template', 'default', ...limits],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, HOST_SECRET: 'host-secret-9152', ASSAY_LOG_LEVEL: 'warn' } },
); // prettier-ignore
const reach = new Map<string, string>();
for await (const line of createInterface({ input: server.stdout })) {
  const at = line.indexOf('=');
  reach.set(line.slice(0, at), line.slice(at + 1));
  if (reach.size === 3) break;
}
const url = reach.get('E2B_API_URL') ?? '';
const connection = { apiKey: reach.get('E2B_API_KEY') ?? '', apiUrl: url, sandboxUrl: url };

const neighbour = await Sandbox.create(connection);
await neighbour.files.write('marks.py', MARKS);
await neighbour.commands.run('exec -a neighbour-mark-7431 python3 marks.py', {
  background: true,
  timeoutMs: 0,
});
while (!(await neighbour.files.exists('/home/user/ready')))
  await new Promise((resolve) => setTimeout(resolve, 50));

const said: Record<string, string> = {};
const envs = {
  HOST_PORT: String((host.address() as AddressInfo).port),
  HOST_BOOT_ID: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
};
let attacker = await Sandbox.create({ ...connection, envs });
for (const [name, program] of programs) {
  said[name] = await runAttempt(attacker, program);
  if (await attacker.isRunning()) continue;
  attacker = await Sandbox.create({ ...connection, envs });
}
// The neighbour must have been left in peace.
said['neighbour'] = (await neighbour.commands.run('cat ready')).stdout.trim();
process.stdout.write(`\n${JSON.stringify(said)}\n`);
server.kill('SIGTERM');
await new Promise((resolve) => server.once('exit', resolve));
host.close();
abstract.close();
process.exit(0);
