import { readdirSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { callbackify } from 'node:util';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { EchoServer, Heard } from '../../support/echo-server.ts';
import {
  asked,
  heardBy as heardIn,
  LIAR,
  ODD,
  raw as rawIn,
  RULES,
  run as runIn,
  SHUT,
  startRuledInternet,
  VALUE,
  type RuledInternet,
} from '../../support/ruled-internet.ts';

let ruled: RuledInternet;
let internet: RuledInternet['internet'];
let connection: RuledInternet['connection'];
let sandbox: Sandbox;
let api: EchoServer;
let other: EchoServer;

beforeAll(async () => {
  ruled = await startRuledInternet();
  ({ internet, connection, sandbox, api, other } = ruled);
});
afterAll(() => ruled.stop());

const run = (command: string, where = sandbox): Promise<string> => runIn(command, where);
const heardBy = (command: string, where = sandbox): Promise<Heard> => heardIn(command, where);
const raw = (said: string): Promise<string> => rawIn(said, sandbox);

test('the name that TLS was asked for is the host, and no other is reached by it', async () => {
  api.heard.length = 0;
  other.heard.length = 0;
  for (const host of [
    'other.example.com',
    'deep.api.example.com',
    'api.example.com:80',
    '[::1]',
    'api.example.com.',
  ]) {
    expect(await raw(asked('/', `Host: ${host}`)), host).toMatch(/^HTTP\/1\.1 (421|400) /);
  }
  expect(await raw(asked('/', 'Host: api.example.com', 'Host: other.example.com'))).toMatch(
    /^HTTP\/1\.1 400 /,
  );
  expect(await raw(asked('https://other.example.com/', 'Host: api.example.com'))).toMatch(/^HTTP\/1\.1 400 /);
  expect(await raw(asked('/'))).toMatch(/^HTTP\/1\.1 400 /);
  expect(await raw('CONNECT other.example.com:443 HTTP/1.1\r\nHost: api.example.com\r\n\r\n')).toBe('');
  const both = asked('/', 'Host: api.example.com', 'Content-Length: 3', 'Transfer-Encoding: chunked');
  expect(await raw(`${both}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await raw(asked('/', 'Host: api.example.com', `X-Large: ${'x'.repeat(40_000)}`))).toMatch(
    /^HTTP\/1\.1 431 /,
  );
  expect([...api.heard, ...other.heard]).toEqual([]);
  // Nor is the address that a program takes for the host's.
  const heard = await heardBy(`curl -sS --resolve api.example.com:443:${LIAR} https://api.example.com/`);
  expect(heard.by).toBe('api');
});

test('a host that does not prove who it is gets nothing', async () => {
  expect(await run('curl -sS -w " %{http_code}" https://liar.example.com/')).toMatch(/certificate.* 502$/s);
  expect(ruled.liar.heard).toEqual([]);
});

test('over plain HTTP go what rules say themselves, and never a secret', async () => {
  ruled.plain.heard.length = 0;
  expect(await run('curl -sS -w " %{http_code}" http://api.example.com/')).toMatch(
    /^the header 'authorization' has a secret .* HTTPS alone\s+403$/s,
  );
  expect(ruled.plain.heard).toEqual([]);
  const own = await Sandbox.create({
    ...connection,
    network: { rules: { 'api.example.com': [{ transform: { headers: { 'X-Plain': 'yes', 'x-b': 'c' } } }] } },
  });
  const { by, headers } = await heardBy('curl -sS http://api.example.com/', own);
  expect([by, headers['x-plain'], headers['x-b']]).toEqual(['plain', ['yes'], ['c']]);
  // A connection is to one host.
  const two =
    asked('/', 'Host: api.example.com').replace('close', 'keep-alive') +
    asked('/', 'Host: other.example.com');
  const answers = await rawIn(two, own, 80);
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 421']);
  await own.kill();
});

test('no value of a secret is told: not in a sandbox, not by the API, not in the log', async () => {
  const seen = await run(
    `env; cat /proc/[0-9]*/environ /run/e2b/* /run/e2b/.* 2>/dev/null; grep -rs ${VALUE} /home /tmp /run`,
  );
  expect(seen).toContain('E2B_SANDBOX=true');
  const { network } = await sandbox.getInfo();
  expect(network?.rules).toEqual({
    ...RULES,
    'API.example.com': undefined,
    'api.example.com': RULES['API.example.com'],
  });
  const log = await internet.log();
  expect(log.length).toBeGreaterThan(3);
  for (const text of [seen, JSON.stringify(network), JSON.stringify(log)]) expect(text).not.toContain(VALUE);
});

test('who does not trust the server hears nothing, and leaves nothing behind', async () => {
  api.heard.length = 0;
  const program = `
import socket, ssl
context = ssl.create_default_context(cafile='/etc/ssl/certs/ca-certificates.crt')
count = 0
for _ in range(300):
    with socket.create_connection(('api.example.com', 443), 10) as s:
        try: context.wrap_socket(s, server_hostname='api.example.com')
        except ssl.SSLCertVerificationError: count += 1
print(count)`;
  await sandbox.files.write('/tmp/distrust.py', program);
  expect(await run('python3 /tmp/distrust.py')).toBe('300');
  expect(api.heard).toEqual([]);
  expect((await heardBy('curl -sS https://api.example.com/')).by).toBe('api');
  expect((await internet.log()).some(({ event }) => event === 'egress.tls-failed')).toBe(true);
});

test('odd hosts, and programs that leave at any moment, do the server no harm', async () => {
  const said: Record<string, string> = {
    garbage: '\0\xff garbage\r\n\r\n',
    switched: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nmore',
    informed: `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`,
    large: `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    chunks: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    lengths: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
    short: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxx',
    header: 'HTTP/1.1 200 OK\r\nbad\x01name: \x02\r\n\r\n',
    status: 'HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok',
    nothing: '',
  };
  const odd = createTlsServer(
    { SNICallback: callbackify((host: string) => ruled.authority.contextOf(host)) },
    (socket) =>
      void socket
        .on('error', () => undefined)
        .once('data', (chunk: Buffer) => {
          const name = /\/(\w*)/.exec(chunk.toString())?.[1] ?? '';
          if (name === 'reset') return void socket.destroy();
          if (name !== 'silent') socket.end(said[name] ?? '', 'latin1');
        }),
  );
  await internet.serve(odd, ODD, 443);
  await internet.serve(
    createTcpServer((socket) => socket.on('error', () => undefined).end('no TLS')),
    SHUT,
    443,
  );
  const network = { rules: { '*.example.com': [{ transform: { headers: { 'X-Any': 'yes' } } }] } };
  const own = await Sandbox.create({ ...connection, allowInternetAccess: true, network });
  const ask = async (url: string): Promise<string> =>
    (await run(`curl -sS -m 5 -o /dev/null -w '%{http_code}' ${url}`, own)).slice(-3);
  const answers = Object.keys(said).map(async (name) => [name, await ask(`https://odd.example.com/${name}`)]);
  expect(Object.fromEntries(await Promise.all(answers))).toEqual({
    ...{ garbage: '502', switched: '502', informed: '200', large: '502', chunks: '000', lengths: '502' },
    ...{ short: '200', header: '502', status: '999', nothing: '502' },
  });
  expect(await ask('https://odd.example.com/reset')).toBe('502');
  expect(await ask('https://shut.example.com/')).toBe('502');
  expect(await ask('https://nowhere.example.com/')).toBe('000');

  const openFiles = (): number => readdirSync(`/proc/${internet.pid}/fd`).length;
  const before = openFiles();
  const program = `
import os, random, socket, ssl, struct, threading
context = ssl.create_default_context()
get = b'GET /%s HTTP/1.1\\r\\nHost: odd.example.com\\r\\n'
things = [b'', b'\\0' * 100, get % b'silent' + b'\\r\\n', get % b'silent', get % b'switched' + b'Connection: upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n',
    get % b'silent' + b'Connection: upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n' + b'x' * 100000, (get % b'informed' + b'\\r\\n') * 50,
    get % b'silent' + b'Content-Length: 100000\\r\\n\\r\\nxx', get % b'short' + b'Transfer-Encoding: chunked\\r\\n\\r\\nfff\\r\\n' + b'x' * 100]
def one(seed):
    chance = random.Random(seed)
    for _ in range(12):
        try:
            s = socket.create_connection(('odd.example.com', 443), 10); s.settimeout(chance.choice((0.05, 0.3)))
            if chance.random() < 0.3: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            if chance.random() < 0.2: s.send(os.urandom(chance.randrange(1, 600))); s.close(); continue
            if chance.random() < 0.1: s.send(b'\\x16\\x03\\x01'); s.close(); continue
            s = context.wrap_socket(s, server_hostname='odd.example.com'); s.settimeout(chance.choice((0.05, 0.3)))
            s.sendall(chance.choice(things))
            if chance.random() < 0.7: s.recv(1000)
            s.close()
        except OSError: pass
threads = [threading.Thread(target=one, args=(i,)) for i in range(25)]
for t in threads: t.start()
for t in threads: t.join()
print('done')`;
  await own.files.write('/tmp/odd.py', program);
  expect((await own.commands.run('python3 /tmp/odd.py', { timeoutMs: 60_000 })).stdout).toBe('done\n');
  await expect.poll(openFiles, { timeout: 20_000 }).toBeLessThanOrEqual(before + 3);
  expect((await heardBy('curl -sS https://api.example.com/', own)).headers['x-any']).toEqual(['yes']);
  await own.kill();
  odd.close();
});

test('rules that cannot be are refused', async () => {
  const refusal = (host: string, headers: Record<string, string>): Promise<string> =>
    Sandbox.create({ ...connection, network: { rules: { [host]: [{ transform: { headers } }] } } }).then(
      () => 'none',
      String,
    );
  for (const host of ['*', '203.0.113.7', 'a b', '*.*.example.com', 'x.*', '2001:db8::7', '', 'a..b']) {
    expect(await refusal(host, {}), host).toMatch(/400: .*neither a host's name/);
  }
  const host = 'api.example.com';
  for (const name of [
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'Upgrade',
    'TE',
    'Proxy-Authorization',
  ]) {
    expect(await refusal(host, { [name]: 'x' }), name).toMatch(/400: .*cannot be set/);
  }
  expect(await refusal(host, { 'X Y': 'x' })).toMatch(/400: .*no name/);
  expect(await refusal(host, { 'X-Y': `${VALUE}\n` })).toMatch(/400: (?!.*value-that).*none may have/);
  expect(await refusal(host, { 'X-Y': '${e2b.secrets.}' })).toMatch(/400: .*names none/);
  expect(await refusal(host, { 'X-Y': '${e2b.identity.tokens.aws}' })).toMatch(/400: .*workload identity/);
});
