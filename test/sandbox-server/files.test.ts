import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import {
  FileNotFoundError,
  InvalidArgumentError,
  Sandbox,
  type FilesystemEvent,
} from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer({
    packages: false,
    args: ['--home-mb', '600', '--memory-mb', '2048'],
  });
  sandbox = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
});
afterAll(() => server.stop());

function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('e2b-sandbox-id', sandbox.sandboxId);
  headers.set('e2b-sandbox-port', '49983');
  headers.set('x-access-token', Reflect.get(sandbox, 'envdAccessToken') as string);
  return fetch(`${server.url}${path}`, { ...init, headers });
}

test('text and bytes come back as they were written', async () => {
  expect(await sandbox.files.write('a/ü.txt', 'Grüße\n')).toMatchObject({
    name: 'ü.txt',
    path: '/home/user/a/ü.txt',
  });
  expect(await sandbox.files.read('/home/user/a/ü.txt')).toBe('Grüße\n');
  const bytes = randomBytes(5_000_000);
  await sandbox.files.write('big.bin', new Blob([bytes]));
  expect(Buffer.from(await sandbox.files.read('big.bin', { format: 'bytes' })).equals(bytes)).toBe(true);
  await sandbox.files.write('empty', '');
  expect(await sandbox.files.read('empty')).toBe('');
});

test('many files go in one request', async () => {
  const written = await sandbox.files.write([
    { path: 'many/1', data: 'one' },
    { path: 'many/2', data: new Uint8Array([1, 2, 3]).buffer },
  ]);
  expect(written.map((file) => file.path)).toEqual(['/home/user/many/1', '/home/user/many/2']);
  expect(await sandbox.files.read('many/2', { format: 'bytes' })).toEqual(new Uint8Array([1, 2, 3]));
});

test('a form with two files of one name is refused after the first', async () => {
  const form = new FormData();
  form.append('file', new Blob(['one']), 'twice.txt');
  form.append('file', new Blob(['two']), 'twice.txt');
  expect((await raw('/files', { method: 'POST', body: form })).status).toBe(400);
  expect(await sandbox.files.read('twice.txt')).toBe('one');
});

test('gzip works both ways', async () => {
  const text = 'squeeze me '.repeat(50_000);
  await sandbox.files.write('packed.txt', text, { gzip: true });
  expect((await sandbox.files.getInfo('packed.txt')).size).toBe(text.length);
  expect(await sandbox.files.read('packed.txt', { gzip: true })).toBe(text);
  const answer = await raw('/files?path=packed.txt', { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  await answer.body?.cancel();
});

test('a stream of 300 MB passes through with flat memory in the server', async () => {
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
  const before = rss();
  const chunk = randomBytes(1_000_000);
  const sent = createHash('sha256');
  let peak = 0;
  let left = 300;
  const upload = new ReadableStream<Uint8Array>({
    pull(controller) {
      peak = Math.max(peak, rss());
      if (left-- === 0) return controller.close();
      sent.update(chunk);
      controller.enqueue(chunk);
    },
  });
  await sandbox.files.write('stream.bin', upload);
  const received = createHash('sha256');
  for await (const bytes of await sandbox.files.read('stream.bin', { format: 'stream' })) {
    received.update(bytes);
    peak = Math.max(peak, rss());
  }
  expect(received.digest('hex')).toBe(sent.digest('hex'));
  expect(peak - before).toBeLessThan(150);
  await sandbox.files.remove('stream.bin');
});

test('signed URLs take and give 100 MB with flat memory in the server and the sandbox', async () => {
  const ownMb = (pid: number | string): number =>
    Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  const below = (pid: number | string): string[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .split(' ')
      .filter((child) => child !== '')
      .flatMap((child) => [child, ...below(child)]);
  const all = [server.pid, ...below(server.pid)];
  const before = all.map(ownMb);
  const growth = all.map(() => 0);
  const sample = (): void =>
    all.forEach((pid, i) => (growth[i] = Math.max(growth[i] ?? 0, ownMb(pid) - (before[i] ?? 0))));
  const chunk = randomBytes(1_000_000);
  let left = 100;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sample();
      if (left-- === 0) return controller.close();
      controller.enqueue(chunk);
    },
  });
  const headers = { 'content-type': 'application/octet-stream' };
  const put: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body, duplex: 'half' };
  expect((await fetch(await sandbox.uploadUrl('streamed.bin'), put)).status).toBe(200);
  let bytes = 0;
  const answer = await fetch(await sandbox.downloadUrl('streamed.bin'));
  for await (const piece of answer.body ?? []) {
    sample();
    bytes += (piece as Uint8Array).length;
  }
  expect(bytes).toBe(100_000_000);
  const [own = 0, ...theirs] = growth;
  expect(own).toBeLessThan(80);
  expect(Math.max(...theirs)).toBeLessThan(8);
  await sandbox.files.remove('streamed.bin');
});

test('parts of a file can be asked for', async () => {
  await sandbox.files.write('digits', '0123456789');
  const part = async (range: string): Promise<[number, string, string | null]> => {
    const answer = await raw('/files?path=digits', { headers: { range } });
    return [answer.status, await answer.text(), answer.headers.get('content-range')];
  };
  expect(await part('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10']);
  expect(await part('bytes=-2')).toEqual([206, '89', 'bytes 8-9/10']);
  expect(await part('bytes=10-')).toEqual([416, '', 'bytes */10']);
});

test('a file is sent with the type of its name, and not again to who has it', async () => {
  const type = async (name: string): Promise<string | null> => {
    await sandbox.files.write(name, 'x');
    return (await fetch(await sandbox.downloadUrl(name))).headers.get('content-type');
  };
  expect(await type('chart.PNG')).toBe('image/png');
  expect(await type('page.html')).toBe('text/html; charset=utf-8');
  expect(await type('data.constructor')).toBe('application/octet-stream');
  const first = await raw('/files?path=page.html');
  expect(first.headers.get('content-security-policy')).toBe('sandbox');
  const ask = async (since: string): Promise<number> =>
    (await raw('/files?path=page.html', { headers: { 'if-modified-since': since } })).status;
  expect(await ask(first.headers.get('last-modified') ?? '')).toBe(304);
  expect(await ask(new Date(0).toUTCString())).toBe(200);
  expect(await ask('never')).toBe(200);
});

test('files of the kernel, which have no size, are read whole', async () => {
  expect(await sandbox.files.read('/proc/version')).toContain('Linux');
});

test('what is not there or no file is told apart', async () => {
  await expect(sandbox.files.read('nope')).rejects.toBeInstanceOf(FileNotFoundError);
  await expect(sandbox.files.list('nope')).rejects.toBeInstanceOf(FileNotFoundError);
  await expect(sandbox.files.read('/tmp')).rejects.toBeInstanceOf(InvalidArgumentError);
  expect(await sandbox.files.exists('nope')).toBe(false);
  const answer = await raw('/files?path=digits&username=mallory');
  expect(answer.status).toBe(401);
});

test('folders are made, listed, moved and removed', async () => {
  expect(await sandbox.files.makeDir('tree/branch')).toBe(true);
  expect(await sandbox.files.makeDir('tree/branch')).toBe(false);
  await sandbox.files.write('tree/branch/leaf.txt', 'x');
  expect((await sandbox.files.list('tree')).map((entry) => [entry.name, entry.type])).toEqual([
    ['branch', 'dir'],
  ]);
  const deep = await sandbox.files.list('tree', { depth: 2 });
  expect(deep.map((entry) => entry.path).toSorted()).toEqual([
    '/home/user/tree/branch',
    '/home/user/tree/branch/leaf.txt',
  ]);
  const moved = await sandbox.files.rename('tree/branch/leaf.txt', 'tree/leaf.txt');
  expect(moved).toMatchObject({ path: '/home/user/tree/leaf.txt', type: 'file', size: 1, owner: 'user' });
  await sandbox.files.remove('tree');
  expect(await sandbox.files.exists('tree')).toBe(false);
});

test('changes are told as they happen', async () => {
  await sandbox.files.makeDir('watched');
  const events: FilesystemEvent[] = [];
  const watch = await sandbox.files.watchDir('watched', (event) => void events.push(event));
  await sandbox.files.write('watched/new.txt', 'x');
  for (let i = 0; i < 100 && !events.some((event) => event.type === 'write'); i++) {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  expect(events).toContainEqual(expect.objectContaining({ name: 'new.txt', type: 'create' }));
  await watch.stop();
  await expect(sandbox.files.watchDir('nope', () => undefined)).rejects.toBeInstanceOf(FileNotFoundError);
});

test('signed URLs open one file for one purpose', async () => {
  const upload = await sandbox.uploadUrl('signed.txt', { useSignatureExpiration: 60 });
  const form = new FormData();
  form.append('file', new Blob(['by url']), 'ignored');
  expect((await fetch(upload, { method: 'POST', body: form })).status).toBe(200);
  const download = await sandbox.downloadUrl('signed.txt');
  expect(await (await fetch(download)).text()).toBe('by url');
  const other = new URL(download);
  other.searchParams.set('path', 'digits');
  expect((await fetch(other)).status).toBe(401);
  expect((await fetch(download, { method: 'POST', body: form })).status).toBe(401);
  const expired = await sandbox.downloadUrl('signed.txt', { useSignatureExpiration: -10 });
  expect((await fetch(expired)).status).toBe(401);
});

test('a token opens only its own sandbox', async () => {
  const other = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
  const token = Reflect.get(other, 'envdAccessToken') as string;
  const headers = {
    'e2b-sandbox-id': sandbox.sandboxId,
    'e2b-sandbox-port': '49983',
    'x-access-token': token,
  };
  expect((await fetch(`${server.url}/files?path=digits`, { headers })).status).toBe(401);
  const rpc = { ...headers, 'content-type': 'application/json' };
  const answer = await fetch(`${server.url}/process.Process/List`, {
    method: 'POST',
    headers: rpc,
    body: '{}',
  });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'unauthenticated']);
  const contexts = await fetch(`${server.url}/contexts`, {
    headers: { ...headers, 'e2b-sandbox-port': '49999' },
  });
  expect(contexts.status).toBe(401);
  await other.kill();
});

test('a full disk is said', async () => {
  const zeros = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
  });
  await expect(sandbox.files.write('/tmp/too-big', zeros)).rejects.toMatchObject({
    name: 'NotEnoughSpaceError',
  });
  await sandbox.files.remove('/tmp/too-big').catch(() => undefined);
});
