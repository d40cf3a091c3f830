/** In a network of its own: a sandbox server, a name server, and doors to servers of the test, which it reaches by Unix sockets. */
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

import { startNameServer } from '../name-server.ts';
import { startTestSandboxServer } from '../sandbox-server.ts';

/** What the test may ask for. */
export type Request =
  | { kind: 'listen'; address: string; port: number; path: string }
  | { kind: 'names'; records: Record<string, unknown[]>; isSilent: boolean }
  | { kind: 'asked' }
  | { kind: 'reset'; port: number }
  | { kind: 'log' }
  | { kind: 'stop' };

const [bridge = '', args = '[]', main] = process.argv.slice(2);

const outside = new Set<Socket>();

/** Passes connections on, each side of which may end before the other. */
async function pass(
  from: { address?: string; port?: number; path?: string },
  to: () => object,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ ...to(), allowHalfOpen: true, noDelay: true } as never);
    near.pipe(far).pipe(near);
    outside.add(near.on('close', () => outside.delete(near)));
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  // Of IPv6 only an interface's own addresses can be listened at by themselves.
  const host = from.address?.includes(':') ? '::' : from.address;
  server.listen({ ...from, host, ipv6Only: host === '::', backlog: 511 });
  await once(server, 'listening');
}

const names = await startNameServer({});
const server = await startTestSandboxServer({
  packages: false,
  args: ['--allow-internet', '--dns', names.address, ...(JSON.parse(args) as string[])],
  ...(main ? { main } : {}),
});
await pass({ path: bridge }, () => ({ host: '127.0.0.1', port: Number(new URL(server.url).port) }));

async function answer(request: Request): Promise<unknown> {
  if (request.kind === 'listen') return pass(request, () => ({ path: request.path }));
  if (request.kind === 'names') {
    names.records = new Map(Object.entries(request.records));
    names.isSilent = request.isSilent;
  }
  if (request.kind === 'asked') return names.asked.splice(0);
  if (request.kind === 'reset') {
    for (const socket of outside) if (socket.localPort === request.port) socket.resetAndDestroy();
  }
  if (request.kind === 'log') return server.log;
  if (request.kind === 'stop') return server.stop();
}

process.on('message', ({ id, request }: { id: number; request: Request }) => {
  void answer(request).then(
    (value) => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => void server.stop().then(() => process.exit()));
process.send?.({ ready: { apiKey: server.apiKey, pid: server.pid } });
