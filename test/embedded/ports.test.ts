import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { settlePorts } from '../../src/embedded/ports.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function takenPort(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

test('a usual port that is taken gives way to the next free one, and no two wishes get the same', async () => {
  const taken = await takenPort();
  const { a, b } = await settlePorts({
    a: { usual: taken, option: '--a' },
    b: { usual: taken, option: '--b' },
  });
  expect(a).toBeGreaterThan(taken);
  expect(b).toBeGreaterThan(a);
});

test('a port asked for by name is that one or an error', async () => {
  const taken = await takenPort();
  await expect(settlePorts({ ui: { wanted: taken, option: '--ui-port' } })).rejects.toMatchObject({
    code: 'port-taken',
    port: taken,
  });
  const free = taken === 65_535 ? taken - 1 : taken + 1;
  await expect(
    settlePorts({ a: { wanted: free, option: '--a' }, b: { wanted: free, option: '--b' } }),
  ).rejects.toThrow('--b');
});

test('any free port lies where no outgoing connection takes it', async () => {
  const { any } = await settlePorts({ any: { option: '--any' } });
  expect(any).toBeGreaterThanOrEqual(20_000);
  expect(any).toBeLessThan(32_768);
});
