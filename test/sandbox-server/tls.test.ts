import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { get, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

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
    const options = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', ...options, '-keyout', key, '-out', cert], { stdio: 'ignore' });
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

  test('it speaks HTTP/2, also of sandboxes by their host', async () => {
    const session = connect(server.url, { rejectUnauthorized: false });
    const call = (headers: Record<string, string>, body = ''): Promise<{ status: number; body: string }> =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers);
        let text = '';
        let status = 0;
        stream.on('response', (answer) => (status = answer[':status'] ?? 0));
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
        stream.on('end', () => resolve({ status, body: text })).on('error', reject);
        if (body !== '') stream.end(body);
      });
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
});
