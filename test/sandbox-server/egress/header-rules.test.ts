import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { callbackify } from 'node:util';

import { Sandbox } from '@e2b/code-interpreter';
import { Secret, type SandboxNetworkOpts } from 'e2b';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { CertificateAuthority } from '../../../src/sandbox-server/egress/certificate-authority.ts';
import { echoServer, LARGE_BYTES, type EchoServer, type Heard } from '../../support/echo-server.ts';
import { serverOnAnOldKernel } from '../../support/old-kernel.ts';
import { startOwnInternet, type OwnInternet } from '../../support/own-internet.ts';

const API = '203.0.113.7';
const OTHER = '203.0.113.8';
const LIAR = '203.0.113.9';
const ODD = '203.0.113.10';
const SHUT = '203.0.113.11';
const VALUE = 'value-that-nobody-sees-4417';
const NAMES = {
  'A api.example.com': [API],
  'A deep.api.example.com': [API],
  'A other.example.com': [OTHER],
  'A liar.example.com': [LIAR],
  'A odd.example.com': [ODD],
  'A shut.example.com': [SHUT],
};
const folder = mkdtempSync(join(tmpdir(), 'assay-test-rules-'));

let internet: OwnInternet;
let connection: OwnInternet['connection'];
let authority: CertificateAuthority;
let api: EchoServer;
let plain: EchoServer;
let other: EchoServer;
let liar: EchoServer;
let sandbox: Sandbox;

const rules = {
  'API.example.com': [{ transform: { headers: { Authorization: `Bearer ${Secret.fill('Api-Key')}` } } }],
  '*.api.example.com': [{ transform: { headers: { 'X-Below': 'yes' } } }],
  'liar.example.com': [{ transform: { headers: { Authorization: Secret.fill('api-key') } } }],
} satisfies SandboxNetworkOpts['rules'];

beforeAll(async () => {
  authority = await CertificateAuthority.make();
  const trust = join(folder, 'trust.pem');
  writeFileSync(trust, authority.certificate);
  internet = await startOwnInternet(['--trust', trust]);
  ({ connection } = internet);
  await internet.setNames(NAMES);
  api = echoServer('api', authority);
  other = echoServer('other', authority);
  plain = echoServer('plain');
  // Nobody knows who vouches for it.
  liar = echoServer('liar', await CertificateAuthority.make());
  await internet.serve(api.server, API, 443);
  await internet.serve(other.server, OTHER, 443);
  await internet.serve(plain.server, API, 80);
  await internet.serve(liar.server, LIAR, 443);
  await Secret.create('api-key', VALUE, connection);
  sandbox = await Sandbox.create({ ...connection, allowInternetAccess: true, network: { rules } });
});
afterAll(async () => {
  await internet.stop();
  for (const { server } of [api, other, plain, liar]) server.close();
  rmSync(folder, { recursive: true });
});

/** What a command prints, whether it fails or not. */
async function run(command: string, where = sandbox): Promise<string> {
  return (await where.commands.run(`${command} 2>&1 || true`)).stdout.trim();
}

async function heardBy(command: string, where = sandbox): Promise<Heard> {
  const said = await run(command, where);
  expect(said).toMatch(/^\{.*\}$/);
  return JSON.parse(said) as Heard;
}

test('programs of any kind reach a host of a rule with its headers, and its certificate is taken for good', async () => {
  const url = 'https://api.example.com/v1?a=b';
  const python = `python3 -c "import urllib.request as u; print(u.urlopen('${url}').read().decode())"`;
  const node = `node -e "fetch('${url}').then((a) => a.text()).then(console.log)"`;
  for (const command of [`curl -sS ${url}`, python, node]) {
    const heard = await heardBy(command);
    expect(heard, command).toMatchObject({ by: 'api', method: 'GET', url: '/v1?a=b' });
    expect(heard.headers['authorization']).toEqual([`Bearer ${VALUE}`]);
    expect(heard.headers['host']).toEqual(['api.example.com']);
  }
});

/** Says something over TLS, raw, and prints what comes back until the end. */
async function raw(
  said: string,
  { name = 'api.example.com', where = sandbox, port = 443 } = {},
): Promise<string> {
  const program = `
import socket, ssl, sys
s = socket.create_connection(('api.example.com', ${port}), 10)
if ${port} == 443: s = ssl.create_default_context().wrap_socket(s, server_hostname=${JSON.stringify(name)})
s.settimeout(10); s.sendall(${JSON.stringify(said)}.encode('latin1'))
try:
    for chunk in iter(lambda: s.recv(65536), b''): sys.stdout.write(chunk.decode())
except OSError as error: print(type(error).__name__)`;
  await where.files.write('/tmp/raw.py', program);
  return run('python3 /tmp/raw.py', where);
}
const asked = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\n${fields.map((field) => `${field}\r\n`).join('')}Connection: close\r\n\r\n`;

test('what a program says itself in a header of a rule is not passed on, the rest as it is', async () => {
  const own = `-H 'authorization: mine' -H 'AUTHORIZATION: mine too' -H 'X-Twice: a' -H 'X-Twice: b' -H 'Connection: Authorization'`;
  const { headers } = await heardBy(`curl -sS ${own} https://api.example.com/`);
  expect(headers['authorization']).toEqual([`Bearer ${VALUE}`]);
  expect(headers['x-twice']).toEqual(['a', 'b']);
  expect(headers['connection']).toEqual(['keep-alive']);
});

test('bodies go through whole, and one of unknown length is no second request', async () => {
  await run('head -c 30000000 /dev/zero > /tmp/body');
  const put = await heardBy('curl -sS -T /tmp/body https://api.example.com/put');
  expect(put).toMatchObject({ method: 'PUT', bytes: 30_000_000 });
  for (const kept of ['close', 'keep-alive']) {
    const get = `curl -sS -H 'Connection: ${kept}' https://api.example.com/large | wc -c`;
    expect(await run(get)).toBe(String(LARGE_BYTES));
  }
  api.heard.length = 0;
  const inner = asked('/inner', 'Host: other.example.com');
  const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
  const answer = await raw(asked('/', 'Host: api.example.com', 'Transfer-Encoding: chunked') + chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(api.heard).toMatchObject([{ url: '/', bytes: inner.length }]);
});

test('a host without a rule is left alone, down to its own certificate', async () => {
  expect(await run('curl -sS https://other.example.com/')).toMatch(/certificate/);
  const { by, headers } = await heardBy('curl -sSk https://other.example.com/');
  expect([by, headers['authorization']]).toEqual(['other', undefined]);
});

test('of the rules for a host and for what it is below only one counts', async () => {
  const { headers } = await heardBy('curl -sS https://deep.api.example.com/');
  expect(headers).toMatchObject({ 'x-below': ['yes'], host: ['deep.api.example.com'] });
  expect(headers['authorization']).toBeUndefined();
});

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
  expect(liar.heard).toEqual([]);
});

test('over plain HTTP go what rules say themselves, and never a secret', async () => {
  plain.heard.length = 0;
  expect(await run('curl -sS -w " %{http_code}" http://api.example.com/')).toMatch(
    /^the header 'authorization' has a secret .* HTTPS alone\s+403$/s,
  );
  expect(plain.heard).toEqual([]);
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
  const answers = await raw(two, { where: own, port: 80 });
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 421']);
  await own.kill();
});

test('a secret is looked up for each request', async () => {
  await Secret.update('api-key', `${VALUE}-2`, connection);
  const { headers } = await heardBy('curl -sS https://api.example.com/');
  expect(headers['authorization']).toEqual([`Bearer ${VALUE}-2`]);
  await Secret.update('api-key', 'two\nlines', connection);
  expect(await run('curl -sS -w " %{http_code}" https://api.example.com/')).toMatch(
    /no header may have\s+502$/,
  );
  await Secret.destroy('api-key', connection);
  api.heard.length = 0;
  expect(await run('curl -sS -w " %{http_code}" https://api.example.com/')).toMatch(
    /'Api-Key', which is not there\s+502$/,
  );
  expect(api.heard).toEqual([]);
  await Secret.create('api-key', VALUE, connection);
});

test('one connection carries many requests, and ends with the one behind it', async () => {
  const opened: unknown[] = [];
  const count = (): void => void opened.push(1);
  api.server.on('secureConnection', count);
  const program = `
import http.client, time
c = http.client.HTTPSConnection('api.example.com', timeout=20)
for i in range(3):
    c.request('GET', f'/{i}'); print(c.getresponse().read()[:20])
time.sleep(0.2); print('idle', flush=True)
print(c.sock.recv(10))`;
  await sandbox.files.write('/tmp/many.py', program);
  const running = await sandbox.commands.run('python3 /tmp/many.py', { background: true });
  await expect.poll(() => running.stdout, { timeout: 15_000 }).toContain('idle');
  expect(opened.length).toBe(1);
  api.server.closeIdleConnections();
  expect((await running.wait()).stdout).toMatch(/idle\nb''\n$/);
  api.server.off('secureConnection', count);
});

test('WebSockets are passed on, answers that point elsewhere are not followed', async () => {
  const program = `
import socket, ssl
s = ssl.create_default_context().wrap_socket(socket.create_connection(('api.example.com', 443), 10), server_hostname='api.example.com')
s.sendall(b'GET /ws HTTP/1.1\\r\\nHost: api.example.com\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nAuthorization: mine\\r\\n\\r\\n')
f = s.makefile('rb')
while f.readline().strip(): pass
print(f.readline().decode().strip()); s.sendall(b'through\\n'); print(f.readline())`;
  await sandbox.files.write('/tmp/ws.py', program);
  const [heard = '', echo] = (await run('python3 /tmp/ws.py')).split('\n');
  expect((JSON.parse(heard) as Heard).headers).toMatchObject({
    authorization: [`Bearer ${VALUE}`],
    upgrade: ['websocket'],
  });
  expect(echo).toBe("b'through\\n'");
  const wanted = asked('/h2', 'Host: api.example.com', 'Upgrade: h2c').replace('close', 'Upgrade');
  expect(await raw(wanted)).toMatch(/^HTTP\/1\.1 200 /);
  other.heard.length = 0;
  expect(
    await run('curl -sS -o /dev/null -w "%{http_code} %{redirect_url}" https://api.example.com/moved'),
  ).toBe('302 https://other.example.com/');
  expect(other.heard).toEqual([]);
});

test('no value of a secret is told: not in a sandbox, not by the API, not in the log', async () => {
  const seen = await run(
    `env; cat /proc/[0-9]*/environ /run/e2b/* /run/e2b/.* 2>/dev/null; grep -rs ${VALUE} /home /tmp /run`,
  );
  expect(seen).toContain('E2B_SANDBOX=true');
  const { network } = await sandbox.getInfo();
  expect(network?.rules).toEqual({
    ...rules,
    'API.example.com': undefined,
    'api.example.com': rules['API.example.com'],
  });
  const log = await internet.log();
  expect(log.length).toBeGreaterThan(3);
  for (const text of [seen, JSON.stringify(network), JSON.stringify(log)]) expect(text).not.toContain(VALUE);
});

test('rules open no way, and a change takes the place of all of them', async () => {
  const own = await Sandbox.create({ ...connection, allowInternetAccess: true });
  expect(await run('env; ls /run/e2b', own)).not.toMatch(/CERT|CA_BUNDLE|pem/);
  await own.updateNetwork({ rules, denyOut: ['0.0.0.0/0'] });
  expect(await run('curl -sS https://api.example.com/', own)).toMatch(/Could not resolve/);
  await own.updateNetwork({ rules, denyOut: ['0.0.0.0/0'], allowOut: ['api.example.com'] });
  expect((await heardBy('curl -sS https://api.example.com/', own)).headers['authorization']).toBeDefined();
  expect(
    await run(
      `curl -sS --resolve deep.api.example.com:443:${API} -w %{http_code} https://deep.api.example.com/`,
      own,
    ),
  ).toMatch(/denied by the sandbox's rules\s+403$/);
  await own.updateNetwork({ allowInternetAccess: true });
  expect((await heardBy('curl -sSk https://api.example.com/', own)).headers['authorization']).toBeUndefined();
  expect((await own.getInfo()).network?.rules).toBeUndefined();
  await own.kill();
});

test('they hold after a pause, and in a fork', async () => {
  for (const keepMemory of [true, false]) {
    await sandbox.pause({ keepMemory });
    await sandbox.connect();
    expect((await heardBy('curl -sS https://api.example.com/')).headers['authorization']).toEqual([
      `Bearer ${VALUE}`,
    ]);
  }
  const [fork] = await sandbox.fork();
  if (!(fork instanceof Sandbox)) throw fork;
  expect((await heardBy('curl -sS https://api.example.com/', fork)).by).toBe('api');
  await fork.kill();
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

test('an interpreter that runs already trusts what came later', async () => {
  const own = await Sandbox.create({ ...connection, allowInternetAccess: true });
  const ask = async (): Promise<string> =>
    (await own.runCode('curl -sS https://api.example.com/ 2>&1', { language: 'bash' })).logs.stdout.join('');
  expect(await ask()).toMatch(/certificate/);
  await own.updateNetwork({ rules });
  expect((JSON.parse(await ask()) as Heard).by).toBe('api');
  await own.kill();
});

test('programs whose kernel has no other way out than a proxy have the rules too', async () => {
  const copy = join(folder, 'old-kernel');
  mkdirSync(copy);
  const old = await startOwnInternet(['--trust', join(folder, 'trust.pem')], serverOnAnOldKernel(copy));
  await old.setNames(NAMES);
  const [secure, open] = [echoServer('api', authority), echoServer('plain')];
  await old.serve(secure.server, API, 443);
  await old.serve(open.server, API, 80);
  const headers = { 'X-Plain': 'yes' };
  const network = { rules: { 'api.example.com': [{ transform: { headers } }] } };
  const own = await Sandbox.create({ ...old.connection, network });
  for (const scheme of ['http', 'https']) {
    const heard = await heardBy(`curl -sS -H 'x-plain: no' ${scheme}://api.example.com/`, own);
    expect(heard.headers, scheme).toMatchObject({ 'x-plain': ['yes'], host: ['api.example.com'] });
  }
  await own.updateNetwork({ rules });
  expect(await run('curl -sS -w " %{http_code}" http://api.example.com/', own)).toMatch(/alone\s+403$/);
  await old.stop();
  for (const { server } of [secure, open]) server.close();
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
    { SNICallback: callbackify((host: string) => authority.contextOf(host)) },
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
