import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { Sandbox } from '@e2b/code-interpreter';
import { Secret } from 'e2b';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { echoServer, LARGE_BYTES, type EchoServer, type Heard } from '../../support/echo-server.ts';
import { serverOnAnOldKernel } from '../../support/old-kernel.ts';
import { startOwnInternet } from '../../support/own-internet.ts';
import {
  API,
  asked,
  heardBy as heardIn,
  NAMES,
  raw as rawIn,
  RULES,
  run as runIn,
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

test('of several addresses of a host one has to answer', async () => {
  // The first is of this machine's networks, at the second nobody listens.
  await internet.setNames({ ...NAMES, 'A api.example.com': ['10.1.2.3', '203.0.113.99', API] });
  expect((await heardBy('curl -sS https://api.example.com/')).by).toBe('api');
  await internet.setNames(NAMES);
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

test('rules open no way, and a change takes the place of all of them', async () => {
  const own = await Sandbox.create({ ...connection, allowInternetAccess: true });
  expect(await run('env; ls /run/e2b', own)).not.toMatch(/CERT|CA_BUNDLE|pem/);
  await own.updateNetwork({ rules: RULES, denyOut: ['0.0.0.0/0'] });
  expect(await run('curl -sS https://api.example.com/', own)).toMatch(/Could not resolve/);
  await own.updateNetwork({ rules: RULES, denyOut: ['0.0.0.0/0'], allowOut: ['api.example.com'] });
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

test('an interpreter that runs already trusts what came later', async () => {
  const own = await Sandbox.create({ ...connection, allowInternetAccess: true });
  const ask = async (): Promise<string> =>
    (await own.runCode('curl -sS https://api.example.com/ 2>&1', { language: 'bash' })).logs.stdout.join('');
  expect(await ask()).toMatch(/certificate/);
  await own.updateNetwork({ rules: RULES });
  expect((JSON.parse(await ask()) as Heard).by).toBe('api');
  await own.kill();
});

test('programs whose kernel has no other way out than a proxy have the rules too', async () => {
  const copy = join(ruled.folder, 'old-kernel');
  mkdirSync(copy);
  const old = await startOwnInternet(['--trust', ruled.trust], serverOnAnOldKernel(copy));
  await old.setNames(NAMES);
  const [secure, open] = [echoServer('api', ruled.authority), echoServer('plain')];
  await old.serve(secure.server, API, 443);
  await old.serve(open.server, API, 80);
  const headers = { 'X-Plain': 'yes' };
  const network = { rules: { 'api.example.com': [{ transform: { headers } }] } };
  const own = await Sandbox.create({ ...old.connection, network });
  for (const scheme of ['http', 'https']) {
    const heard = await heardBy(`curl -sS -H 'x-plain: no' ${scheme}://api.example.com/`, own);
    expect(heard.headers, scheme).toMatchObject({ 'x-plain': ['yes'], host: ['api.example.com'] });
  }
  await own.updateNetwork({ rules: RULES });
  expect(await run('curl -sS -w " %{http_code}" http://api.example.com/', own)).toMatch(/alone\s+403$/);
  await old.stop();
  for (const { server } of [secure, open]) server.close();
});
