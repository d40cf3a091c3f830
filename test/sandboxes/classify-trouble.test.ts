import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { Sandbox } from '@e2b/code-interpreter';
import { SandboxNotFoundError, TimeoutError } from 'e2b';
import { describe, expect, test } from 'vitest';
import { TroubleError } from '../../src/domain/trouble-error.ts';
import { classifyTrouble } from '../../src/sandboxes/classify-trouble.ts';

/** What the SDK throws for a create that is answered in this way. */
async function createAgainst(status: number, body: unknown): Promise<unknown> {
  const server = createHttpServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await thrownBy(() => Sandbox.create('default', { apiKey: 'k', apiUrl, retries: 0 }));
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  return await work().then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
}

describe('what the service answers', () => {
  test.each([
    [401, 'Invalid API key', 'bad-key'],
    [403, 'Forbidden', 'bad-key'],
    [400, "Template 'x' is not ready", 'unknown-template'],
    [404, "template 'nope' not found", 'unknown-template'],
    [400, "template 'x' cannot be loaded: exit code 1: ImportError", 'broken-template'],
    [400, "the template cannot run Python cells: No module named 'IPython'", 'unfit-template'],
    [
      400,
      "'allow_internet_access' is asked for, but this server was started without internet access",
      'no-internet',
    ],
    [400, 'timeout must be positive', 'bad-request'],
    [429, 'Rate limit exceeded', 'rate-limited'],
    [429, 'You have reached the maximum number of concurrent E2B sandboxes (20).', 'quota-exceeded'],
    [500, 'Internal server error', 'service-failed'],
    [503, 'no capacity', 'service-busy'],
    [504, 'gateway timeout', 'transport-timeout'],
    [507, 'no space left', 'host-disk-full'],
  ])('%i %s → %s', async (code, message, type) => {
    const error = await createAgainst(code, { code, message });
    expect(classifyTrouble(error)).toMatchObject({ type });
    expect(classifyTrouble(error).message).toContain(message);
  });
});

describe('what happens on the network', () => {
  test('nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const apiUrl = `http://127.0.0.1:${port}`;
    const error = await thrownBy(() => Sandbox.create('default', { apiKey: 'k', apiUrl, retries: 0 }));
    expect(classifyTrouble(error)).toMatchObject({ type: 'service-unreachable' });
    expect(classifyTrouble(error).message).toContain('ECONNREFUSED');
  });

  test('the connection is cut in the middle', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await thrownBy(() => Sandbox.create('default', { apiKey: 'k', apiUrl, retries: 0 }));
    server.close();
    expect(classifyTrouble(error)).toMatchObject({ type: 'stream-lost' });
  });

  test('the answer does not come', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const options = { apiKey: 'k', apiUrl, retries: 0, requestTimeoutMs: 50 };
    const error = await thrownBy(() => Sandbox.create('default', options));
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(classifyTrouble(error)).toMatchObject({ type: 'transport-timeout' });
  });
});

describe('what the SDK says of a sandbox', () => {
  test.each([
    [new SandboxNotFoundError('Sandbox is probably not running anymore'), 'sandbox-lost'],
    [
      new TimeoutError('The sandbox was not found: This error is likely due to sandbox timeout.'),
      'sandbox-lost',
    ],
    [
      new TimeoutError('terminated: The sandbox was killed or reached its end of life while …'),
      'sandbox-lost',
    ],
    [
      new TimeoutError("[canceled]: This error is likely due to exceeding 'requestTimeoutMs'."),
      'transport-timeout',
    ],
    [new TimeoutError('Request timed out — the requestTimeoutMs option can be used'), 'transport-timeout'],
    [new TroubleError({ type: 'host-disk-full', message: 'x' }), 'host-disk-full'],
    [new Error('something else'), 'unknown'],
    ['not even an error', 'unknown'],
  ])('%s → %s', (error, type) => {
    expect(classifyTrouble(error).type).toBe(type);
  });
});
