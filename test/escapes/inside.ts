/**
 * Runs inside an outer sandbox: a sandbox server with one guard taken away, or with all, a neighbour with marks to be found, a host with a service and
 * a secret, and the attempts. Prints what each attempt printed, as JSON.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

import type { Sandbox } from '@e2b/code-interpreter';

import { CertificateAuthority } from '../../src/sandbox-server/egress/certificate-authority.ts';
import { echoServer } from '../support/echo-server.ts';
import { startNameServer } from '../support/name-server.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import type { Attempt, Network } from './corpus.ts';
import type { Change } from './guards.ts';
import { LIMITS, NAMES, runAttempt, startAttacker, startNeighbour } from './neighbour.ts';

const COPY = '/tmp/server';
const [root = '', input = ''] = process.argv.slice(2);
const { changes, programs } = JSON.parse(readFileSync(input, 'utf8')) as {
  changes: Change[];
  programs: Pick<Attempt, 'name' | 'program' | 'isCell' | 'network'>[];
};

// A copy, for the guards are in its source.
mkdirSync(join(COPY, 'src'), { recursive: true });
cpSync(join(root, 'src/sandbox-server'), join(COPY, 'src/sandbox-server'), { recursive: true });
cpSync(join(root, 'package.json'), join(COPY, 'package.json'));
symlinkSync(join(root, 'node_modules'), join(COPY, 'node_modules'));
for (const [file, from, to] of changes) {
  const path = join(join(COPY, 'src/sandbox-server'), file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no guard that reads: ${from}`);
  writeFileSync(path, text.replace(from, to));
}

const greet = (socket: Socket): void => void socket.on('error', () => undefined).end('host');
writeFileSync('/srv/host-secret.txt', 'host-secret-9152');
const host = createServer(greet).listen(0);
await new Promise((resolve) => host.once('listening', resolve));
const abstract = createServer(greet).listen('\0host-abstract');

// Hosts of rules, one of which nobody vouches for; by plain HTTP the first is there too.
const authority = await CertificateAuthority.make();
writeFileSync('/tmp/trust.pem', authority.certificate);
const hosts = [
  echoServer('ruled', authority),
  echoServer('ruled'),
  echoServer('liar', await CertificateAuthority.make()),
];
for (const [i, at] of [
  { host: '203.0.113.6', port: 443 },
  { host: '203.0.113.6', port: 80 },
  { host: '203.0.113.11', port: 443 },
].entries()) {
  const server = hosts[i]?.server.listen(at);
  await new Promise((resolve) => server?.once('listening', resolve));
}

process.env['HOST_SECRET'] = 'host-secret-9152';
const names = await startNameServer(NAMES);
const main = join(COPY, 'src/sandbox-server/main.ts');
const server = await startTestSandboxServer({
  packages: programs.some(({ isCell }) => isCell),
  main,
  args: [...LIMITS, '--allow-internet', '--dns', names.address, '--trust', '/tmp/trust.pem'],
});
const neighbour = await startNeighbour(server);
const hostPort = (host.address() as AddressInfo).port;
const attackers = new Map<Network | undefined, Sandbox>();
const said: Record<string, string> = {};
for (const attempt of programs) {
  const { network } = attempt;
  const attacker = attackers.get(network) ?? (await startAttacker(server, neighbour, hostPort, network));
  attackers.set(network, attacker);
  said[attempt.name] = await runAttempt(attacker, attempt);
  if (!(await attacker.isRunning())) attackers.delete(network);
}
// The neighbour must have been left in peace.
said['neighbour'] = (await neighbour.commands.run('cat ready')).stdout.trim();
process.stdout.write(`\n${JSON.stringify(said)}\n`);
await server.stop();
host.close();
abstract.close();
process.exit(0);
