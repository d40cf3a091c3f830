import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { messageFrame } from '../../src/sandbox-server/wire/connect-frames.ts';
import { footprint } from '../support/footprint.ts';
import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  sandbox = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
});
afterAll(() => server.stop());

function send(port: number, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('e2b-sandbox-id', sandbox.sandboxId);
  headers.set('e2b-sandbox-port', String(port));
  headers.set('x-access-token', Reflect.get(sandbox, 'envdAccessToken') as string);
  return fetch(`${server.url}${path}`, { method: 'POST', ...init, headers });
}

const unary = { 'content-type': 'application/json' };
const stream = { 'content-type': 'application/connect+json' };
const form = { 'content-type': 'multipart/form-data; boundary=b' };

test.each([
  ['JSON that is cut', '/process.Process/List', unary, '{', 400],
  ['JSON that is no object', '/process.Process/List', unary, '[]', 400],
  ['deep JSON', '/process.Process/List', unary, '['.repeat(200_000), 400],
  ['too much JSON', '/process.Process/SendInput', unary, `"${'x'.repeat(17_000_000)}"`, 429],
  ['another content type', '/process.Process/List', { 'content-type': 'application/proto' }, '', 415],
  ['another content type of a stream', '/process.Process/Start', unary, '{}', 415],
  ['an unknown method', '/process.Process/Explode', unary, '{}', 404],
  ['a deadline in words', '/process.Process/List', { ...unary, 'connect-timeout-ms': 'soon' }, '{}', 400],
  ['an unknown process', '/process.Process/SendSignal', unary, '{"process":{"pid":99999},"signal":9}', 404],
  [
    'an unknown signal',
    '/process.Process/SendSignal',
    unary,
    '{"process":{"pid":1},"signal":"SIGNAL_X"}',
    400,
  ],
  [
    'input that is not base64',
    '/process.Process/SendInput',
    unary,
    '{"process":{"pid":1},"input":{"stdin":"é"}}',
    400,
  ],
  ['a path of a number', '/filesystem.Filesystem/Stat', unary, '{"path":5}', 400],
  ['a path with a NUL', '/filesystem.Filesystem/Stat', unary, '{"path":"a\\u0000b"}', 400],
  ['a path of many folders', '/filesystem.Filesystem/MakeDir', unary, `{"path":"${'a/'.repeat(1500)}"}`, 400],
  [
    'a move of devices',
    '/filesystem.Filesystem/Move',
    unary,
    '{"source":"/dev","destination":"/tmp/dev"}',
    403,
  ],
  ['JSON as gzip that is none', '/process.Process/List', { ...unary, 'content-encoding': 'gzip' }, '{}', 499],
  ['no path', '/filesystem.Filesystem/MakeDir', unary, '{}', 400],
  ['an unknown watcher', '/filesystem.Filesystem/GetWatcherEvents', unary, '{"watcherId":"x"}', 404],
  ['a form without its boundary', '/files', { 'content-type': 'multipart/form-data' }, 'x', 400],
  [
    'a form that is cut',
    '/files',
    form,
    '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx',
    400,
  ],
  ['a form without a file', '/files', form, '--b--\r\n', 400],
  ['bytes without a path', '/files', { 'content-type': 'application/octet-stream' }, 'x', 400],
  [
    'gzip that is none',
    '/files?path=x',
    { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
    'x',
    499,
  ],
])('%s is refused', async (_, path, headers, body, status) => {
  const answer = await send(49983, path, { headers, body });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ message: expect.any(String) });
  expect(await sandbox.isRunning()).toBe(true);
});

test.each([
  ['no frame', Buffer.alloc(0), 'no message'],
  ['a frame that is cut', Buffer.from([0, 0, 0, 0, 9, 123]), 'inside a frame'],
  ['a compressed frame', Buffer.from([1, 0, 0, 0, 0]), 'compressed'],
  ['a frame of 4 GB', Buffer.from([0, 255, 255, 255, 255]), 'over the limit'],
  ['a frame that is not JSON', Buffer.from([0, 0, 0, 0, 1, 120]), 'not valid JSON'],
  ['no process', messageFrame({}), `'process' is missing`],
  [
    'more than the guest takes',
    messageFrame({ process: { cmd: 'x', args: ['x'.repeat(1_100_000)] } }),
    'over the limit',
  ],
  ['an argument with a NUL', messageFrame({ process: { cmd: 'true', args: ['\0'] } }), 'null byte'],
  ['a long argument', messageFrame({ process: { cmd: 'true', args: ['x'.repeat(200_000)] } }), 'too long'],
  [
    'a wide terminal',
    messageFrame({ process: { cmd: 'true' }, pty: { size: { cols: 1e6, rows: 1 } } }),
    'out of its range',
  ],
  ['variables of numbers', messageFrame({ process: { cmd: 'x', envs: { a: 1 } } }), `'envs'`],
])('a stream with %s ends in an error frame', async (_, body, message) => {
  const answer = await send(49983, '/process.Process/Start', { headers: stream, body: new Uint8Array(body) });
  expect(answer.status).toBe(200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(bytes[0]).toBe(2);
  expect((JSON.parse(bytes.subarray(5).toString()) as { error: unknown }).error).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining(message),
  });
});

test('a sandbox that is not there and a port that is closed are told apart', async () => {
  const headers = { 'e2b-sandbox-id': 'inotthere', 'e2b-sandbox-port': '49983' };
  const gone = await fetch(`${server.url}/health`, { headers });
  expect([gone.status, await gone.json()]).toEqual([
    502,
    { sandboxId: 'inotthere', message: 'The sandbox was not found', code: 502 },
  ]);
  const closed = await send(8080, '/');
  expect([closed.status, await closed.json()]).toEqual([
    502,
    {
      sandboxId: sandbox.sandboxId,
      message: 'The sandbox is running but port is not open',
      port: 8080,
      code: 502,
    },
  ]);
});

test('watchers that are asked for their events serve clients without streams', async () => {
  const call = async (method: string, body: object): Promise<Record<string, unknown>> => {
    const path = `/filesystem.Filesystem/${method}`;
    return (await (await send(49983, path, { headers: unary, body: JSON.stringify(body) })).json()) as never;
  };
  const { watcherId } = await call('CreateWatcher', { path: '/tmp' });
  await sandbox.files.write('/tmp/seen.txt', 'x');
  let events: unknown[] = [];
  await expect
    .poll(
      async () =>
        (events = [...events, ...((await call('GetWatcherEvents', { watcherId }))['events'] as [])]),
    )
    .toContainEqual({ name: 'seen.txt', type: 'EVENT_TYPE_CREATE' });
  expect(await call('RemoveWatcher', { watcherId })).toEqual({});
  expect(await call('GetWatcherEvents', { watcherId })).toMatchObject({ code: 'not_found' });
});

test('silence on a stream is broken by keepalives when they are asked for', async () => {
  const start = messageFrame({ process: { cmd: '/bin/sleep', args: ['1.5'] } });
  const headers = { ...stream, 'keepalive-ping-interval': '1' };
  const answer = await send(49983, '/process.Process/Start', { headers, body: new Uint8Array(start) });
  expect(await answer.text()).toContain('{"event":{"keepalive":{}}}');
});

test('programs that cannot be started leave no pipe open', async () => {
  const body = messageFrame({
    process: { cmd: 'true', args: ['\0'] },
    stdin: true,
  }) as Uint8Array<ArrayBuffer>;
  const start = async (): Promise<string> =>
    (await send(49983, '/process.Process/Start', { headers: stream, body })).text();
  await start();
  const guestsFiles = (): number => {
    const { fds, ownFds } = footprint(server.pid);
    return fds - ownFds;
  };
  const before = guestsFiles();
  for (let run = 0; run < 20; run++) await start();
  expect(guestsFiles()).toBe(before);
});

test('lists of more than a mebibyte arrive whole', async () => {
  await sandbox.commands.run(
    `python3 -c 'import os; os.mkdir("links"); [os.symlink("x" * 4000, f"links/{i}") for i in range(600)]'`,
  );
  expect(await sandbox.files.list('links')).toHaveLength(600);
  const envs = Object.fromEntries(
    Array.from({ length: 4 }, (_, index) => [`A${index}`, 'x'.repeat(100_000)]),
  );
  for (let run = 0; run < 3; run++) await sandbox.commands.run('sleep 100', { envs, background: true });
  expect(await sandbox.commands.list()).toHaveLength(3);
});
