import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type ClientHttp2Session } from 'node:http2';
import { get, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';
import { freePort } from '../support/temporal-server.ts';

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('skipped: there is no openssl here to make a certificate with');
    return false;
  }
}

describe.runIf(hasOpenssl())('with a certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-tls-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string];
  let server: TestSandboxServer;

  beforeAll(async () => {
    const names = 'subjectAltName=DNS:localhost,DNS:*.sandboxes.localhost,IP:127.0.0.1';
    const options = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    const made = [
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-addext',
      names,
      '-keyout',
      key,
      '-out',
      cert,
    ];
    execFileSync('openssl', ['req', ...options, ...made], { stdio: 'ignore' });
    server = await startTestSandboxServer({ packages: false, args: ['--tls-cert', cert, '--tls-key', key] });
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    rmSync(folder, { recursive: true });
  });

  function ask(path: string, options: RequestOptions = {}): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      get(`${server.url}${path}`, { ...options, rejectUnauthorized: false }, (answer) => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      }).on('error', reject);
    });
  }

  test('it speaks HTTPS', async () => {
    expect(server.url).toMatch(/^https:/);
    expect(await ask('/health')).toEqual({ status: 200, body: 'OK' });
    expect((await ask('/sandboxes')).status).toBe(401);
  });

  /** Asks over HTTP/2. The answer is whole, or it is an error. */
  function callOver(session: ClientHttp2Session) {
    return (
      headers: Record<string, string>,
      body = '',
      heard?: () => void,
    ): Promise<{ status: number; body: string }> =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers);
        let text = '';
        let status = 0;
        stream.on('response', (answer) => {
          status = answer[':status'] ?? 0;
          heard?.();
        });
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
        stream.on('end', () => resolve({ status, body: text })).on('error', reject);
        if (body !== '') stream.end(body);
      });
  }

  test('it speaks HTTP/2, also of sandboxes by their host', async () => {
    const session = connect(server.url, { rejectUnauthorized: false });
    const call = callOver(session);
    const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
    const made = await call(
      { ':method': 'POST', ':path': '/v2/sandboxes', ...headers },
      JSON.stringify({ templateID: 'base', timeout: 60 }),
    );
    expect(made.status).toBe(201);
    const { sandboxID, domain } = JSON.parse(made.body) as { sandboxID: string; domain: string };
    expect(domain).toBe(`localhost:${new URL(server.url).port}`);
    const closed = await call({ ':path': '/', ':authority': `8000-${sandboxID}.${domain}` });
    expect([closed.status, closed.body]).toEqual([502, expect.stringContaining('port is not open')]);
    expect((await call({ ':method': 'DELETE', ':path': `/sandboxes/${sandboxID}`, ...headers })).status).toBe(
      204,
    );
    session.close();
  });

  test('what a sandbox streams over HTTP/2 when it is killed does not end as if it were whole', async () => {
    const session = connect(server.url, { rejectUnauthorized: false });
    const call = callOver(session);
    const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
    const made = await call(
      { ':method': 'POST', ':path': '/v2/sandboxes', ...headers },
      JSON.stringify({ templateID: 'base', timeout: 60, secure: true }),
    );
    const { sandboxID, envdAccessToken } = JSON.parse(made.body) as Record<string, string>;
    const run = { code: 'sleep 60', language: 'bash' };
    const to = { 'e2b-sandbox-id': sandboxID ?? '', 'e2b-sandbox-port': '49999' };
    let kill: Promise<unknown> | undefined;
    const ran = call(
      { ':method': 'POST', ':path': '/execute', 'x-access-token': envdAccessToken ?? '', ...headers, ...to },
      JSON.stringify(run),
      () => (kill = call({ ':method': 'DELETE', ':path': `/sandboxes/${sandboxID}`, ...headers })),
    );
    await expect(ran).rejects.toThrow('INTERNAL_ERROR');
    await kill;
    session.close();
  });

  test('a program reaches servers in sandboxes by https:// and getHost, with a domain, its certificate and names that are found', async () => {
    const port = await freePort();
    const domain = `sandboxes.localhost:${port}`;
    const args = ['--tls-cert', cert, '--tls-key', key, '--domain', domain];
    const own = await startTestSandboxServer({ packages: false, port, args });
    const env = {
      ...process.env,
      NODE_EXTRA_CA_CERTS: cert,
      E2B_API_URL: own.url,
      E2B_SANDBOX_URL: own.url,
      E2B_API_KEY: own.apiKey,
    };
    const node = ['--input-type=module', '--eval', ASKS_BY_HOST];
    const { stdout } = await promisify(execFile)(process.execPath, node, { env, timeout: 25_000 });
    await own.stop();
    expect(JSON.parse(stdout)).toEqual({ domain, open: 200, closed: 502, gone: 502 });
  });
});

/** Looks names under localhost up as systems with nss-myhostname do. */
const ASKS_BY_HOST = `
import dns from 'node:dns';
import { Sandbox } from 'e2b';
const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest);
const sandbox = await Sandbox.create('base');
await sandbox.commands.run('python -m http.server 8000', { background: true });
const ask = async (port) => (await fetch('https://' + sandbox.getHost(port))).status;
let open = 0;
for (let tries = 0; open !== 200 && tries < 50; tries++) {
  open = await ask(8000);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const closed = await ask(3000);
await sandbox.kill();
const domain = sandbox.getHost(1).slice(sandbox.getHost(1).indexOf('.') + 1);
console.log(JSON.stringify({ domain, open, closed, gone: await ask(8000) }));
`;
