import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  AuthenticationError,
  NotFoundError,
  RateLimitError,
  Sandbox,
  SandboxNotFoundError,
  Template,
  TimeoutError,
} from '@e2b/code-interpreter';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false, args: ['--max-sandboxes', '5'] });
  connection = server.connection;
});
afterEach(async () => {
  for (const { sandboxId } of await listAll()) await Sandbox.kill(sandboxId, connection);
});
afterAll(() => server.stop());

async function listAll(
  query: object = {},
): Promise<{ sandboxId: string; metadata: Record<string, string> }[]> {
  const paginator = Sandbox.list({ ...connection, ...query });
  const all = [];
  while (paginator.hasNext) all.push(...(await paginator.nextItems()));
  return all;
}

test('a sandbox is made, found, told of and killed', async () => {
  const before = Date.now();
  const sandbox = await Sandbox.create({ ...connection, metadata: { owner: 'me' }, timeoutMs: 60_000 });
  expect(await sandbox.isRunning()).toBe(true);
  const info = await sandbox.getInfo();
  expect(info).toMatchObject({
    sandboxId: sandbox.sandboxId,
    state: 'running',
    metadata: { owner: 'me' },
    memoryMB: 1024,
  });
  expect(info.endAt.getTime() - before).toBeGreaterThan(59_000);
  expect(info.endAt.getTime() - Date.now()).toBeLessThanOrEqual(60_000);
  expect((await listAll()).map((each) => each.sandboxId)).toEqual([sandbox.sandboxId]);
  expect(await sandbox.kill()).toBe(true);
  expect(await sandbox.kill()).toBe(false);
  expect(await sandbox.isRunning()).toBe(false);
  expect(await listAll()).toEqual([]);
});

test('a sandbox that is made for a client that has left meanwhile is ended', async () => {
  const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
  const isEnded = (): boolean =>
    server.log.some(({ event, reason }) => event === 'sandbox.ended' && reason === 'unheard-of');
  // It may leave before it is heard, or be answered within that time: then it asks again.
  for (let tries = 1; tries <= 50 && !isEnded(); tries++) {
    const signal = AbortSignal.timeout(2 + (tries % 10));
    const call = { method: 'POST', headers, body: '{"templateID":"base"}', signal };
    const answer = await fetch(`${server.url}/sandboxes`, call).catch(() => undefined);
    const made = (await answer?.json().catch(() => undefined)) as { sandboxID: string } | undefined;
    if (made) await Sandbox.kill(made.sandboxID, connection);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(isEnded()).toBe(true);
  expect(await listAll()).toEqual([]);
});

test('the names that E2B gives its default templates all work; an unknown one is a clear 404', async () => {
  for (const template of ['default', 'base', 'code-interpreter-v1']) {
    const sandbox = await Sandbox.create(template, connection);
    await sandbox.kill();
  }
  await expect(Sandbox.create('no-such-template', connection)).rejects.toThrow(
    `template 'no-such-template' not found`,
  );
});

test('a template that cannot be loaded is said to be so at once, until it is mended', async () => {
  const packages = mkdtempSync(join(tmpdir(), 'assay-test-packages-'));
  chmodSync(packages, 0o755);
  const broken = join(packages, 'numpy.py');
  writeFileSync(broken, 'raise RuntimeError("half an installation")\n');
  const other = await startTestSandboxServer({ packages: false, args: ['--template', `other=${packages}`] });
  const there = { apiKey: other.apiKey, apiUrl: other.url, sandboxUrl: other.url, retries: 0 };
  try {
    const sentence = `400: template 'other' cannot be loaded: exit code 1: RuntimeError: half an installation`;
    await expect(Sandbox.create('other', there)).rejects.toThrow(sentence);
    await expect(Sandbox.create('other', there)).rejects.toThrow(sentence);
    await (await Sandbox.create('default', there)).kill();
    writeFileSync(broken, '');
    await expect
      .poll(() => Sandbox.create('other', there).then(() => 'made', String), {
        timeout: 30_000,
        interval: 500,
      })
      .toBe('made');
  } finally {
    await other.stop();
    rmSync(packages, { recursive: true });
  }
});

test('lists filter by metadata of any characters', async () => {
  const awkward = { 'a b&c': '100% =ü/"?', plain: '1' };
  const wanted = await Sandbox.create({ ...connection, metadata: awkward });
  await Sandbox.create({ ...connection, metadata: { plain: '1' } });
  expect(await listAll({ query: { metadata: awkward } })).toMatchObject([
    { sandboxId: wanted.sandboxId, metadata: awkward },
  ]);
  expect(await listAll({ query: { metadata: { plain: '1' } } })).toHaveLength(2);
  expect(await listAll({ query: { metadata: { plain: '2' } } })).toEqual([]);
  expect(await listAll({ query: { state: ['paused'] } })).toEqual([]);
});

test('lists come in pages, newest first', async () => {
  const made: string[] = [];
  for (let i = 0; i < 3; i++) made.unshift((await Sandbox.create(connection)).sandboxId);
  const paginator = Sandbox.list({ ...connection, limit: 2 });
  const first = await paginator.nextItems();
  expect(paginator.hasNext).toBe(true);
  const second = await paginator.nextItems();
  expect(paginator.hasNext).toBe(false);
  expect([...first, ...second].map((each) => each.sandboxId)).toEqual(made);
});

test('a sandbox dies when its time is up, and what waits for it fails', async () => {
  const sandbox = await Sandbox.create({ ...connection, timeoutMs: 2000 });
  const running = sandbox.commands.run('sleep 60');
  await expect(running).rejects.toBeInstanceOf(TimeoutError);
  expect(await sandbox.isRunning()).toBe(false);
  await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(SandboxNotFoundError);
  await expect(sandbox.files.read('/etc/hostname')).rejects.toBeInstanceOf(TimeoutError);
});

test('the time can be made shorter and longer', async () => {
  const sandbox = await Sandbox.create({ ...connection, timeoutMs: 3600_000 });
  await sandbox.setTimeout(90_000);
  const { endAt } = await sandbox.getInfo();
  expect(endAt.getTime() - Date.now()).toBeLessThanOrEqual(90_000);
  await Sandbox.connect(sandbox.sandboxId, { ...connection, timeoutMs: 10_000 });
  expect((await sandbox.getInfo()).endAt).toEqual(endAt);
  await Sandbox.connect(sandbox.sandboxId, { ...connection, timeoutMs: 200_000 });
  expect((await sandbox.getInfo()).endAt.getTime() - Date.now()).toBeGreaterThan(190_000);
});

test('a second client works in the same sandbox', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.files.write('note.txt', 'from the first');
  const again = await Sandbox.connect(sandbox.sandboxId, connection);
  expect(await again.files.read('note.txt')).toBe('from the first');
  await expect(Sandbox.connect('inosuchsandbox000000', connection)).rejects.toBeInstanceOf(NotFoundError);
});

test('one sandbox too many is a rate limit', async () => {
  await Promise.all(Array.from({ length: 5 }, () => Sandbox.create(connection)));
  await expect(Sandbox.create(connection)).rejects.toBeInstanceOf(RateLimitError);
});

test('nor can many at the same time be more than there is room for', async () => {
  const made = await Promise.allSettled(Array.from({ length: 9 }, () => Sandbox.create(connection)));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
});

test('a wrong key is refused everywhere', async () => {
  const wrong = { ...connection, apiKey: 'e2b_0000' };
  await expect(Sandbox.create(wrong)).rejects.toBeInstanceOf(AuthenticationError);
  await expect(Sandbox.list(wrong).nextItems()).rejects.toBeInstanceOf(AuthenticationError);
  const answer = await fetch(`${server.url}/sandboxes`);
  expect([answer.status, await answer.json()]).toEqual([
    401,
    { code: 401, message: 'the header X-API-KEY is missing' },
  ]);
});

test('what is not there says so by name', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.updateNetwork({ denyOut: ['8.8.8.8'] });
  await expect(sandbox.updateNetwork({ allowOut: ['8.8.8.8'] })).rejects.toThrow('without internet access');
  for (const asked of [{ allowInternetAccess: true }, { network: { allowOut: ['1.1.1.1'] } }]) {
    await expect(Sandbox.create({ ...connection, ...asked })).rejects.toThrow('without internet access');
  }
  const why = 'the MCP gateway cannot be had from this server';
  await expect(Sandbox.create({ ...connection, mcp: { duckduckgo: {} } })).rejects.toThrow(
    `Failed to start MCP gateway: ${why}`,
  );
  expect(await listAll({ query: { state: ['running'] } })).toHaveLength(1);
  const template = Template().fromTemplate('mcp-gateway').addMcpServer('exa');
  await expect(Template.build(template, 'with-mcp', connection)).rejects.toThrow(why);
});

test('what an older SDK sends with every create is not taken for a wish', async () => {
  const create = (version: string, path = '/sandboxes'): Promise<Response> =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { 'x-api-key': server.apiKey, publisher: 'e2b', package_version: version },
      body: JSON.stringify({ templateID: 'base', allow_internet_access: true }),
    });
  const older = await create('2.50.0');
  expect(older.status).toBe(201);
  const { sandboxID } = (await older.json()) as { sandboxID: string };
  expect((await Sandbox.getInfo(sandboxID, connection)).allowInternetAccess).toBe(false);
  expect([(await create('2.51.0')).status, (await create('none')).status]).toEqual([400, 400]);
  const run = (id: string): Promise<Response> =>
    fetch(`${server.url}/execute`, {
      method: 'POST',
      headers: { 'e2b-sandbox-id': id, 'e2b-sandbox-port': '49999' },
      body: JSON.stringify({ code: 'echo hi', language: 'bash' }),
    });
  // It sends no token with a run either.
  expect(await (await run(sandboxID)).text()).toContain('"hi\\n"');
  const newer = (await (await create('2.50.0', '/v2/sandboxes')).json()) as { sandboxID: string };
  expect((await run(newer.sandboxID)).status).toBe(401);
});

test('a create that is sent again with its key makes no second sandbox', async () => {
  const create = async (key: string, timeout = 60, templateID = 'base') => {
    const answer = await fetch(`${server.url}/v2/sandboxes`, {
      method: 'POST',
      headers: { 'x-api-key': server.apiKey, 'idempotency-key': key },
      body: JSON.stringify({ templateID, timeout }),
    });
    return { status: answer.status, ...((await answer.json()) as { sandboxID?: string; message?: string }) };
  };
  const made = await Promise.all([create('key-1'), create('key-1'), create('key-2')]);
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(made[1]).toEqual(made[0]);
  expect(await create('key-1')).toEqual(made[0]);
  expect(await listAll()).toHaveLength(2);
  expect(await create('key-1', 61)).toMatchObject({
    status: 422,
    message: expect.stringContaining('another'),
  });
  expect((await create('Key 1')).status).toBe(400);
  // One that failed can be tried again.
  expect((await create('key-3', 60, 'nothing')).status).toBe(404);
  expect((await create('key-3')).status).toBe(201);
});

test('what happened to a sandbox is told as lines of JSON too', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.commands.run('true');
  const headers = { 'x-api-key': server.apiKey };
  const answer = await fetch(`${server.url}/sandboxes/${sandbox.sandboxId}/logs`, { headers });
  const { logs } = (await answer.json()) as { logs: { line: string }[] };
  expect(logs.map(({ line }) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 'info', logger: 'sandbox', message: expect.stringMatching(/^created/), template: 'default' },
    { level: 'info', logger: 'sandbox', message: 'command: true' },
  ]);
});

test.each([
  ['no JSON', '{', 'not valid JSON'],
  ['no template', '{}', `'templateID' is missing`],
  ['a negative timeout', '{"templateID":"base","timeout":-1}', 'negative'],
  ['a timeout of days', '{"templateID":"base","timeout":1000000}', '24 hours'],
  [
    'variables of a mebibyte',
    JSON.stringify({ templateID: 'base', envVars: { A: 'x'.repeat(1 << 20) } }),
    'over the limit',
  ],
  ['metadata of numbers', '{"templateID":"base","metadata":{"a":1}}', `'metadata'`],
])('a create with %s is a 400', async (_, body, message) => {
  const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
  const answer = await fetch(`${server.url}/v2/sandboxes`, { method: 'POST', headers, body });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: 400, message: expect.stringContaining(message) });
});

test('a life of years is refused, and ends nothing', async () => {
  const sandbox = await Sandbox.create(connection);
  const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
  const path = `${server.url}/sandboxes/${sandbox.sandboxId}/refreshes`;
  const answer = await fetch(path, { method: 'POST', headers, body: '{"duration":5000000}' });
  expect(answer.status).toBe(400);
  expect(await sandbox.isRunning()).toBe(true);
});

test('a signed address opens its own sandbox alone, also where the request names the sandbox', async () => {
  const [own, other] = await Promise.all([Sandbox.create(connection), Sandbox.create(connection)]);
  await Promise.all([own.files.write('note', 'mine'), other.files.write('note', 'theirs')]);
  const url = await own.downloadUrl('note');
  const get = (sandboxId: string): Promise<Response> =>
    fetch(url, { headers: { 'E2b-Sandbox-Id': sandboxId, 'E2b-Sandbox-Port': '49983' } });
  expect(await (await get(own.sandboxId)).text()).toBe('mine');
  expect((await get(other.sandboxId)).status).toBe(401);
});

test('metrics say what the sandbox uses', async () => {
  const sandbox = await Sandbox.create(connection);
  await sandbox.commands.run('sleep 30', { background: true });
  const [metric] = await sandbox.getMetrics();
  expect(metric).toMatchObject({ memTotal: expect.any(Number), cpuCount: expect.any(Number) });
  expect(metric?.memUsed).toBeGreaterThan(0);
});

test('metrics are kept, and asked for by time', { timeout: 30_000 }, async () => {
  const sandbox = await Sandbox.create(connection);
  const start = new Date();
  for (let tries = 0; tries < 60 && (await sandbox.getMetrics()).length < 2; tries++)
    await new Promise((go) => setTimeout(go, 250));
  const metrics = await sandbox.getMetrics({ start, end: new Date() });
  expect(metrics.length, 'one that was taken by itself, and one of now').toBeGreaterThan(1);
  const times = metrics.map(({ timestamp }) => timestamp.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const hour = 3_600_000;
  const before = { start: new Date(start.getTime() - 2 * hour), end: new Date(start.getTime() - hour) };
  expect(await sandbox.getMetrics(before)).toEqual([]);
});
