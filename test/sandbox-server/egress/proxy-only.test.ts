import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { serverOnAnOldKernel } from '../../support/old-kernel.ts';
import { startTestSandboxServer, type TestSandboxServer } from '../../support/sandbox-server.ts';

// The internet of these tests: an address of the loopback that the server is told to take for outside.
const OUTSIDE = '127.0.0.2';

const copy = mkdtempSync(join(tmpdir(), 'assay-old-kernel-'));
let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
let outside: Server;
let inside: Server;
let sandbox: Sandbox;
const seen: IncomingMessage[] = [];

function listen(address: string): Promise<Server> {
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    seen.push(incoming);
    incoming.resume().on('end', () => outgoing.end(`outside ${incoming.method} ${incoming.url}`));
  };
  return new Promise((resolve) => {
    const made = createServer(answer).listen(0, address, () => resolve(made));
  });
}
const portOf = (each: { address: () => unknown }): number => (each.address() as AddressInfo).port;

beforeAll(async () => {
  outside = await listen(OUTSIDE);
  inside = await listen('127.0.0.1');
  server = await startTestSandboxServer({
    packages: false,
    main: serverOnAnOldKernel(copy),
    args: ['--allow-internet', '--allow-address', OUTSIDE],
  });
  connection = server.connection;
  sandbox = await Sandbox.create({ ...connection, allowInternetAccess: true });
});
afterAll(async () => {
  await server.stop();
  rmSync(copy, { recursive: true });
  for (const each of [outside, inside]) {
    each.closeAllConnections();
    each.close();
  }
});

/** Asks from inside with Python's own client, which takes the proxy from the environment. */
async function get(url: string, where = sandbox): Promise<string> {
  const script = `import urllib.request, urllib.error, sys
try: print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except urllib.error.HTTPError as e: print(e.code, e.read().decode().strip())
except Exception as e: print(type(e).__name__, e)`;
  await where.files.write('/tmp/get.py', script);
  return (await where.commands.run(`python3 /tmp/get.py ${url}`)).stdout.trim();
}

/** Opens a tunnel through the proxy as a client of TLS would, and says what comes back. */
async function tunnel(host: string, port: number, where = sandbox): Promise<string> {
  const script = `import os, socket, sys
s = socket.create_connection(('127.77.0.1', 3128)); s.settimeout(10)
s.sendall(b'CONNECT %s:%s HTTP/1.1\\r\\n\\r\\n' % (sys.argv[1].encode(), sys.argv[2].encode()))
head = s.recv(4096).decode().split('\\r\\n')
print(head[0], head[-1].strip())
if '200' in head[0]: s.sendall(b'GET /tunnelled HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n'); print(s.recv(65536).decode().split('\\r\\n')[-1])`;
  await where.files.write('/tmp/tunnel.py', script);
  return (await where.commands.run(`python3 /tmp/tunnel.py ${host} ${port}`)).stdout.trim();
}

test('programs reach the outside by the proxy of their environment', async () => {
  expect(await get(`http://${OUTSIDE}:${portOf(outside)}/a?b=c`)).toBe('outside GET /a?b=c');
  expect(await tunnel(OUTSIDE, portOf(outside))).toContain('outside GET /tunnelled');
  const node = `fetch('http://${OUTSIDE}:${portOf(outside)}/node', {method: 'POST', body: 'x'}).then(r => r.text()).then(console.log)`;
  await sandbox.files.write('/tmp/a.mjs', node);
  expect((await sandbox.commands.run('node --no-warnings /tmp/a.mjs')).stdout).toBe('outside POST /node\n');
  const { logs } = await sandbox.runCode(`python3 /tmp/get.py http://${OUTSIDE}:${portOf(outside)}/kernel`, {
    language: 'bash',
  });
  expect(logs.stdout.join('').trim()).toBe('outside GET /kernel');
});

test('neither this machine, its networks nor the server itself are reached', async () => {
  const own = Number(new URL(server.url).port);
  seen.length = 0;
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '127.1',
    '2130706433',
  ]) {
    for (const port of [portOf(inside), own]) {
      expect(await get(`http://${host}:${port}/`), host).toMatch(/^(403|502|HTTPError|URLError)/);
      expect(await tunnel(host, port), host).toMatch(/^HTTP\/1.1 (403|502)/);
    }
  }
  expect(await get('http://169.254.169.254/latest/meta-data')).toContain('403');
  expect(seen).toEqual([]);
});

test('the log says what the kernel lacks', () => {
  const said = server.log.find(({ event }) => event === 'egress.proxy-only');
  expect(said?.['reason']).toMatch(/protocol/i);
});

test('there is no way but the proxy', async () => {
  const direct = `exec 3<>/dev/tcp/${OUTSIDE}/${portOf(outside)} && echo REACHED || echo refused`;
  expect((await sandbox.commands.run(`timeout 3 bash -c '${direct}' 2>&1 || true`)).stdout).not.toContain(
    'REACHED',
  );
});

test('a sandbox that did not ask for the internet has no way out, nor can it get one', async () => {
  const shut = await Sandbox.create(connection);
  expect((await shut.commands.run('env')).stdout).not.toMatch(/proxy/i);
  expect(await get(`http://${OUTSIDE}:${portOf(outside)}/`, shut)).toContain('URLError');
  await expect(shut.updateNetwork({ allowOut: [OUTSIDE] })).rejects.toThrow('without internet access');
  await shut.kill();
});

test('rules say what is reached, and can be changed; what they forbid is cut', async () => {
  const ruled = await Sandbox.create({
    ...connection,
    network: { allowOut: ['9.9.9.9'], denyOut: ['0.0.0.0/0'] },
  });
  const url = `http://${OUTSIDE}:${portOf(outside)}/`;
  expect(await get(url, ruled)).toContain(`403 ${OUTSIDE} is denied by the sandbox's rules`);
  await ruled.updateNetwork({ denyOut: ['0.0.0.0/0'], allowOut: [`${OUTSIDE}/32`] });
  expect(await get(url, ruled)).toBe('outside GET /');
  await ruled.updateNetwork({});
  expect(await get(url, ruled)).toBe('outside GET /');

  const held: Socket[] = [];
  const holder = createTcpServer((socket) => held.push(socket.on('error', () => undefined))).listen(
    0,
    OUTSIDE,
  );
  await once(holder, 'listening');
  const hanging = get(`http://${OUTSIDE}:${portOf(holder)}/`, ruled);
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1);
  await ruled.updateNetwork({ denyOut: [OUTSIDE] });
  expect(await hanging).toMatch(/502|RemoteDisconnected|URLError/);
  holder.close();
  expect((await ruled.getInfo()).network).toMatchObject({ denyOut: [OUTSIDE] });
  await ruled.kill();
});

test('the way out is there again after a pause, and in a fork', async () => {
  const url = `http://${OUTSIDE}:${portOf(outside)}/`;
  for (const keepMemory of [true, false]) {
    await sandbox.pause({ keepMemory });
    await sandbox.connect();
    expect(await get(url)).toBe('outside GET /');
  }
  const [fork] = await sandbox.fork();
  if (!(fork instanceof Sandbox)) throw fork;
  expect(await get(url, fork)).toBe('outside GET /');
  await fork.kill();
});

test('answers that are cut are not taken for whole, and nonsense is refused', async () => {
  expect(await get(`http://${OUTSIDE}:1/`)).toMatch(/^502/);
  expect(await get('http://no-such-name.invalid/')).toMatch(/^502/);
  expect(await tunnel('x', 0)).toContain('403');
  const nonsense = `exec 3<>/dev/tcp/127.77.0.1/3128; printf 'GARBAGE\\r\\n\\r\\n' >&3; timeout 5 cat <&3 | head -c 20`;
  await sandbox.commands.run(`bash -c '${nonsense.replaceAll("'", `'"'"'`)}'`);
  expect(await get(`http://${OUTSIDE}:${portOf(outside)}/still`)).toBe('outside GET /still');
});
