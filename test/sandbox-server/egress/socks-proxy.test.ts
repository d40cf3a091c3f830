import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { Sandbox } from '@e2b/code-interpreter';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { askProxy, hostAndPort } from '../../../src/sandbox-server/egress/socks-proxy.ts';
import { startOwnInternet, type OwnInternet } from '../../support/own-internet.ts';

const PROXY = '203.0.113.50';
const OUTSIDE = '203.0.113.7';
const PORT = 5432;
const HTTP = 80;

let internet: OwnInternet;
let connection: OwnInternet['connection'];
const servers: Server[] = [];
/** What the proxy was asked for. */
let asked: string[] = [];
/** Who has connected without it. */
let direct = 0;

/** A SOCKS5 proxy that knows one user and answers for every target itself. */
function proxy(needsLogin: boolean): Server {
  const server = createServer(
    (socket) => void serve(socket.on('error', () => undefined)).catch(() => socket.destroy()),
  );
  const serve = async (socket: Socket): Promise<void> => {
    let buffer = Buffer.alloc(0);
    const take = async (size: number): Promise<Buffer> => {
      while (buffer.length < size)
        buffer = Buffer.concat([buffer, ((await once(socket, 'data')) as [Buffer])[0]]);
      const taken = buffer.subarray(0, size);
      buffer = buffer.subarray(size);
      return taken;
    };
    const counted = async (): Promise<string> => String(await take((await take(1))[0] ?? 0));
    const methods = [...(await take((await take(2))[1] ?? 0))];
    const method = needsLogin ? 2 : 0;
    socket.write(Buffer.from([5, methods.includes(method) ? method : 255]));
    let user = 'nobody';
    if (needsLogin) {
      await take(1);
      user = `${await counted()}:${await counted()}`;
      socket.write(Buffer.from([1, user === 'ann:secret' ? 0 : 1]));
    }
    const [, , , kind] = await take(4);
    const host =
      kind === 3
        ? await counted()
        : kind === 1
          ? [...(await take(4))].join('.')
          : (await take(16)).toString('hex');
    const port = (await take(2)).readUInt16BE(0);
    asked.push(`${user} ${kind} ${host} ${port}`);
    const said = once(socket, 'data').catch(() => []);
    // In pieces, as a network may have it.
    for (const byte of [5, host === '203.0.113.66' ? 5 : 0, 0, 1, 0, 0, 0, 0, 0, 0]) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (port !== HTTP) return void socket.end('by proxy');
    const [request] = (await said) as [Buffer];
    socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nby proxy: ${String(request)}`);
  };
  servers.push(server);
  return server;
}

beforeAll(async () => {
  internet = await startOwnInternet();
  connection = internet.connection;
  await internet.serve(proxy(true), PROXY, 1080);
  await internet.serve(proxy(false), PROXY, 1081);
  const outside = createServer((socket) => {
    direct += 1;
    socket.on('error', () => undefined).end('direct');
  });
  servers.push(outside);
  await internet.serve(outside, OUTSIDE, PORT);
});
beforeEach(async () => {
  [asked, direct] = [[], 0];
  await internet.setNames({
    'A proxy.example.com': [PROXY],
    'A db.example.com': [OUTSIDE],
    'A inner.example.com': ['10.1.2.3'],
  });
});
afterAll(async () => {
  await internet.stop();
  for (const server of servers) server.close();
});

/** What a connection to an address gives, or how it fails. */
async function read(where: Sandbox, host: string): Promise<string> {
  const program = `import socket
try: print(socket.create_connection(('${host}', ${PORT}), 10).recv(100).decode())
except OSError as error: print(type(error).__name__)`;
  await where.files.write('/tmp/read.py', program);
  return (await where.commands.run('python3 /tmp/read.py')).stdout.trim();
}
const LOGIN = { address: 'proxy.example.com:1080', username: 'ann', password: 'secret' };

test('connections go through a proxy after the rules, and to it alone', async () => {
  const sandbox = await Sandbox.create({
    ...connection,
    network: { egressProxy: LOGIN, denyOut: ['203.0.113.8'] },
  });
  expect(await read(sandbox, OUTSIDE)).toBe('by proxy');
  expect(await read(sandbox, '2001:db8::7')).toBe('by proxy');
  expect(await read(sandbox, 'db.example.com')).toBe('by proxy');
  expect(await read(sandbox, '203.0.113.8')).toBe('ConnectionResetError');
  expect(await read(sandbox, '10.1.2.3')).toBe('ConnectionResetError');
  // The proxy's own refusal.
  expect(await read(sandbox, '203.0.113.66')).toBe('ConnectionResetError');
  expect(asked).toEqual([
    `ann:secret 1 ${OUTSIDE} ${PORT}`,
    `ann:secret 4 20010db8000000000000000000000007 ${PORT}`,
    `ann:secret 1 ${OUTSIDE} ${PORT}`,
    `ann:secret 1 203.0.113.66 ${PORT}`,
  ]);
  expect(direct).toBe(0);
  const { network } = await sandbox.getInfo();
  expect(network?.egressProxy).toEqual({ address: LOGIN.address, username: 'ann' });
  const raw = await fetch(`${connection.apiUrl}/sandboxes/${sandbox.sandboxId}`, {
    headers: { 'x-api-key': connection.apiKey },
  });
  expect(await raw.text()).not.toContain('secret');
  await sandbox.kill();
});

test('headers of rules are written before a request goes through it', async () => {
  const network = {
    egressProxy: LOGIN,
    rules: { 'db.example.com': [{ transform: { headers: { 'X-Rule': 'yes' } } }] },
  };
  const sandbox = await Sandbox.create({ ...connection, network });
  const { stdout } = await sandbox.commands.run('curl -sS http://db.example.com/');
  expect(stdout).toMatch(/^by proxy: GET \/ HTTP\/1\.1\r\n.*x-rule: yes\r\n/is);
  expect(asked).toEqual([`ann:secret 1 ${OUTSIDE} ${HTTP}`]);
  await sandbox.kill();
});

test('what is permitted by name is asked for by name', async () => {
  const network = {
    denyOut: ['0.0.0.0/0'],
    allowOut: ['db.example.com'],
    egressProxy: { address: `${PROXY}:1081` },
  };
  const sandbox = await Sandbox.create({ ...connection, network });
  expect(await read(sandbox, 'db.example.com')).toBe('by proxy');
  expect(asked).toEqual([`nobody 3 db.example.com ${PORT}`]);
  await sandbox.kill();
});

test('without the proxy, or its leave, nothing goes out', async () => {
  for (const egressProxy of [
    { ...LOGIN, password: 'wrong' },
    { address: LOGIN.address },
    { address: `${PROXY}:9` },
    { address: `${OUTSIDE}:${PORT}` },
  ]) {
    const sandbox = await Sandbox.create({ ...connection, network: { egressProxy } });
    direct = 0;
    expect(await read(sandbox, '203.0.113.9'), JSON.stringify(egressProxy)).toBe('ConnectionResetError');
    await sandbox.kill();
  }
  expect(asked).toEqual([]);
  const moved = await Sandbox.create({ ...connection, network: { egressProxy: LOGIN } });
  await internet.setNames({ 'A proxy.example.com': ['10.1.2.3'] });
  expect(await read(moved, OUTSIDE)).toBe('ConnectionResetError');
  await moved.kill();
});

test('a proxy is set, replaced and cleared while a sandbox runs; no internet access means none', async () => {
  const sandbox = await Sandbox.create({ ...connection, allowInternetAccess: true });
  expect(await read(sandbox, OUTSIDE)).toBe('direct');
  await sandbox.updateNetwork({ egressProxy: LOGIN });
  expect(await read(sandbox, OUTSIDE)).toBe('by proxy');
  await sandbox.updateNetwork({ allowInternetAccess: false });
  expect(await read(sandbox, OUTSIDE)).toBe('ConnectionResetError');
  await sandbox.updateNetwork({ allowInternetAccess: false, allowOut: [OUTSIDE] });
  expect(await read(sandbox, OUTSIDE)).toBe('direct');
  await expect(sandbox.updateNetwork({ egressProxy: { address: '10.1.2.3:1080' } })).rejects.toThrow(
    'private network',
  );
  await sandbox.kill();
});

test.each([
  [{ address: 'inner.example.com:1080' }, 'private network'],
  [{ address: '127.0.0.1:1080' }, 'private network'],
  [{ address: 'nowhere.example.com:1080' }, 'has no address'],
  [{ address: 'proxy.example.com' }, 'HOST:PORT'],
  [{ address: 'proxy.example.com:1080', password: 'x' }, 'username'],
  [{ address: 'proxy.example.com:1080', username: 'x'.repeat(256) }, '255 bytes'],
])('a proxy %j is refused before there is a sandbox', async (egressProxy, why) => {
  await expect(Sandbox.create({ ...connection, network: { egressProxy } })).rejects.toThrow(why);
});

test.each([
  ['proxy.example.com:1080', { host: 'proxy.example.com', port: 1080 }],
  ['[2001:db8::1]:1', { host: '2001:db8::1', port: 1 }],
  ...['', 'x', ':1', 'x:', 'x:0', 'x:65536', 'x:1:2', '[1.2.3.4]:1', 'x y:1', 'a/b:1', '2001:db8::1:1'].map(
    (each) => [each, undefined],
  ),
] as [string, object | undefined][])('%j is read as %j', (text, meant) =>
  expect(hostAndPort(text)).toEqual(meant),
);

test('whatever a proxy answers, it is an end', async () => {
  let reply: Buffer = Buffer.alloc(0);
  const server = createServer(
    (socket) =>
      void socket
        .on('error', () => undefined)
        .resume()
        .end(reply),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc
      .tuple(fc.constantFrom([5, 0], [5, 2, 1, 0], [5, 2], [5, 255]), fc.uint8Array({ maxLength: 20 }))
      .map(([head, tail]) => [...head, ...tail]),
  );
  const ask = fc.asyncProperty(bytes, async (each) => {
    reply = Buffer.from(each);
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    await askProxy(socket, { address: '', username: 'u' }, 'x', 1).catch((error: Error) =>
      expect(error.name).toBe('SocksError'),
    );
    socket.destroy();
    return true;
  });
  await fc.assert(ask, { numRuns: 150 });
  server.close();
});
