import { request, type IncomingHttpHeaders } from 'node:http';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
let sandbox: Sandbox;

/** Answers with what it was asked: method, path, headers and body; `/big` with 30 MB. */
const ECHO = `
import http.server, json, sys, socketserver
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        if self.path == '/big':
            self.send_response(200); self.send_header('content-length', str(30_000_000)); self.end_headers()
            for _ in range(30): self.wfile.write(b'x' * 1_000_000)
            return
        if self.path == '/broken':
            self.wfile.write(b'HTTP/1.1 abc\\r\\nnonsense'); self.close_connection = True
            return
        if self.path == '/cut':
            self.wfile.write(b'HTTP/1.1 200 OK\\r\\ncontent-length: 100\\r\\n\\r\\nhalf'); self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get('content-length') or 0)).decode()
        text = json.dumps({'method': self.command, 'path': self.path, 'headers': dict(self.headers), 'body': body}).encode()
        self.send_response(201); self.send_header('content-length', str(len(text))); self.send_header('set-cookie', 'a=1')
        self.send_header('set-cookie', 'b=2'); self.end_headers(); self.wfile.write(text)
    do_POST = do_PUT = do_DELETE = do_GET
    def log_message(self, *a): pass
class S(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
S((sys.argv[1], int(sys.argv[2])), H).serve_forever()
`;

async function serve(where: Sandbox, host: string, port: number): Promise<void> {
  await where.files.write('echo.py', ECHO);
  await where.commands.run(`python3 echo.py ${host} ${port}`, { background: true, timeoutMs: 0 });
  await vi.waitFor(async () => expect((await ask(where, port)).status).toBe(201), { timeout: 20_000 });
}

interface Asked {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Asks by host name, as `getHost` gives it; the name itself is not looked up, for not every system knows those under localhost. */
function ask(
  where: Sandbox,
  port: number,
  options: { path?: string; method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Asked> {
  const { port: serverPort } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: serverPort,
        path: options.path ?? '/',
        method: options.method ?? 'GET',
        headers: { ...options.headers, host: where.getHost(port) },
      },
      (answer) => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
        answer.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(options.body);
  });
}

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  connection = server.connection;
  sandbox = await Sandbox.create(connection);
  await serve(sandbox, '127.0.0.1', 8000);
});
afterAll(() => server.stop());

test('a server in the sandbox is reached by its host, with path, method, headers and body', async () => {
  expect(sandbox.getHost(8000)).toBe(`8000-${sandbox.sandboxId}.localhost:${new URL(server.url).port}`);
  const headers = { 'x-own': 'yes', 'x-api-key': server.apiKey };
  const answer = await ask(sandbox, 8000, { path: '/a/b?c=d%20e', method: 'POST', headers, body: 'hello' });
  expect([answer.status, answer.headers['set-cookie']]).toEqual([201, ['a=1', 'b=2']]);
  const seen = JSON.parse(answer.body) as { headers: Record<string, string> };
  expect(seen).toMatchObject({ method: 'POST', path: '/a/b?c=d%20e', body: 'hello' });
  // Names as programs print and compare them, however the client wrote them.
  expect(seen.headers).toMatchObject({ 'X-Own': 'yes', Host: sandbox.getHost(8000) });
  expect(answer.body).not.toContain(server.apiKey);
});

test('it is reached by a path too, and by E2B headers', async () => {
  const byPath = await fetch(`${server.url}/sandboxes/${sandbox.sandboxId}/ports/8000/x/y?z=1`);
  expect(await byPath.json()).toMatchObject({ path: '/x/y?z=1' });
  const headers = { 'e2b-sandbox-id': sandbox.sandboxId, 'e2b-sandbox-port': '8000' };
  expect(await (await fetch(`${server.url}/q`, { headers })).json()).toMatchObject({ path: '/q' });
});

test('servers on IPv6 alone are reached as well', async () => {
  const python = `import http.server, socket; http.server.HTTPServer.address_family = socket.AF_INET6; http.server.HTTPServer(('::1', 8006), http.server.SimpleHTTPRequestHandler).serve_forever()`;
  await sandbox.commands.run(`python3 -c "${python}"`, { background: true, timeoutMs: 0 });
  await expect.poll(async () => (await ask(sandbox, 8006)).status, { timeout: 20_000 }).toBe(200);
});

test('large answers pass through, and many at a time', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => ask(sandbox, 8000, { path: '/big' })));
  expect(all.map(({ body }) => body.length)).toEqual(all.map(() => 30_000_000));
});

test('a WebSocket connects both ways', async () => {
  await sandbox.files.write(
    'upper.py',
    `
import base64, hashlib, socket
s = socket.create_server(('127.0.0.1', 8009))
while True:
    c, _ = s.accept()
    head = b''
    while b'\\r\\n\\r\\n' not in head: head += c.recv(4096)
    key = next(l.split(b': ')[1] for l in head.split(b'\\r\\n') if l.lower().startswith(b'sec-websocket-key'))
    accept = base64.b64encode(hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())
    c.sendall(b'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + b'\\r\\n\\r\\n')
    frame = c.recv(4096)
    mask, body = frame[2:6], frame[6:6 + (frame[1] & 127)]
    text = bytes(b ^ mask[i % 4] for i, b in enumerate(body)).upper()
    c.sendall(bytes([0x81, len(text)]) + text)
`,
  );
  await sandbox.commands.run('python3 upper.py', { background: true, timeoutMs: 0 });
  const url = `${server.url.replace('http', 'ws')}/sandboxes/${sandbox.sandboxId}/ports/8009/`;
  const said = async (): Promise<unknown> => {
    const socket = new WebSocket(url);
    return new Promise((resolve) => {
      socket.addEventListener('open', () => socket.send('hello there'));
      socket.addEventListener('message', ({ data }) => {
        resolve(data);
        socket.close();
      });
      socket.addEventListener('error', () => resolve('error'));
    });
  };
  await expect.poll(said, { timeout: 20_000 }).toBe('HELLO THERE');
});

test('who looks in a browser is told so on a page', async () => {
  const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' };
  const closed = await ask(sandbox, 8123, { headers });
  expect([closed.status, closed.headers['content-type']]).toEqual([502, 'text/html; charset=utf-8']);
  expect(closed.body).toContain('<title>Closed Port Error</title>');
  expect(closed.body).toContain('port 8123');
  const other = await Sandbox.create(connection);
  await other.kill();
  expect((await ask(other, 8000, { headers })).body).toContain('<title>Sandbox Not Found</title>');
});

test('a closed port, a sandbox that is gone and an answer that is none are told apart', async () => {
  const closed = await ask(sandbox, 8123);
  expect([closed.status, JSON.parse(closed.body)]).toEqual([
    502,
    {
      sandboxId: sandbox.sandboxId,
      message: 'The sandbox is running but port is not open',
      port: 8123,
      code: 502,
    },
  ]);
  const other = await Sandbox.create(connection);
  await other.kill();
  expect(JSON.parse((await ask(other, 8000)).body)).toMatchObject({ message: 'The sandbox was not found' });
  expect(await ask(sandbox, 8000, { path: '/broken' })).toMatchObject({ status: 502 });
  await expect(ask(sandbox, 8000, { path: '/cut' })).rejects.toThrow('aborted');
  expect((await ask(sandbox, 8000)).status).toBe(201);
});

test('private traffic needs the token, and a masked host is what the server sees', async () => {
  const shut = await Sandbox.create({
    ...connection,
    network: { allowPublicTraffic: false, maskRequestHost: 'own.example.com:${PORT}' },
  });
  await shut.files.write('echo.py', ECHO);
  await shut.commands.run(`python3 echo.py 0.0.0.0 8000`, { background: true, timeoutMs: 0 });
  const headers = { 'e2b-traffic-access-token': shut.trafficAccessToken ?? '' };
  await expect.poll(async () => (await ask(shut, 8000, { headers })).status, { timeout: 20_000 }).toBe(201);
  expect((await ask(shut, 8000)).status).toBe(403);
  const wrong = { 'e2b-traffic-access-token': sandbox.trafficAccessToken ?? '' };
  expect((await ask(shut, 8000, { headers: wrong })).status).toBe(403);
  expect(JSON.parse((await ask(shut, 8000, { headers })).body)).toMatchObject({
    headers: { Host: 'own.example.com:8000' },
  });
  expect((await shut.getInfo()).network).toMatchObject({ allowPublicTraffic: false });
  await shut.kill();
});

test('a request wakes a paused sandbox up where it was asked to', async () => {
  const lifecycle = { onTimeout: 'pause', autoResume: true } as const;
  const sleeper = await Sandbox.create({ ...connection, lifecycle });
  await serve(sleeper, '127.0.0.1', 8000);
  await sleeper.pause();
  expect((await ask(sleeper, 8000)).status).toBe(201);
  await sleeper.kill();
});
