import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { rowsOfJsonLines } from '../../../src/store/json-lines.ts';
import { writeItems } from '../../../src/client/batch/write-items.ts';
import { InvalidItemsError } from '../../../src/client/errors.ts';
import type { BatchIndex, ItemLine } from '../../../src/domain/batch.ts';
import { openStore } from '../../../src/store/open-store.ts';

const store = openStore('memory:');
const item = (id: unknown, more: object = {}) =>
  JSON.stringify({ id, language: 'python', code: 'print(1)', ...more });

async function* chunksOf(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

const write = (
  text: string | Uint8Array,
  { defaults = {}, skipBad = false, size = 7, mostBytes = 1_000_000 } = {},
) =>
  writeItems(rowsOfJsonLines(chunksOf(text, size), { mostBytes }), store, {
    ...{ batchId: 'batch-b', defaults, skipBad },
  });

async function json<T>(blob: { ref: string }): Promise<T> {
  return JSON.parse(Buffer.from(await store.get(blob)).toString('utf8')) as T;
}

/** What a shard would read. */
async function written(...args: Parameters<typeof write>): Promise<ItemLine[]> {
  const { items, total } = await write(...args);
  const index = await json<BatchIndex>(items);
  const lines: ItemLine[] = [];
  for (const { blob, from, count } of index.segments) {
    const text = Buffer.from(await store.get(blob)).toString('utf8');
    const own = text.trimEnd().split('\n');
    expect([from, count]).toEqual([lines.length, own.length]);
    lines.push(...own.map((line) => JSON.parse(line) as ItemLine));
  }
  expect([index.total, total]).toEqual([lines.length, lines.length]);
  expect(lines.map(({ index: place }) => place)).toEqual(lines.map((_, at) => at));
  return lines;
}

async function faultsOf(...args: Parameters<typeof write>): Promise<[number, string, string][]> {
  const error = await write(...args).then(
    () => expect.unreachable('was taken'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof InvalidItemsError)) throw error;
  return error.faults.map(({ line, path, message }) => [line, path, message]);
}

describe('lines', () => {
  test.each([
    ['a byte order mark', `\uFEFF${item('a')}\n${item('b')}\n`],
    ['CRLF', `${item('a')}\r\n${item('b')}\r\n`],
    ['empty lines', `\n  \n${item('a')}\n\n\t\n${item('b')}\n\n`],
    ['no newline at the end', `${item('a')}\n${item('b')}`],
  ])('with %s are read', async (_, text) => {
    expect((await written(text)).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('keep characters that lie across two chunks', async () => {
    const [line] = await written(item('ä€😀', { code: 'print("ä€😀")' }), { size: 1 });
    expect(line).toMatchObject({ id: 'ä€😀', job: { code: { text: 'print("ä€😀")' } } });
  });

  test('may come as texts that are cut in the middle of a character', async () => {
    const rows = await Array.fromAsync(rowsOfJsonLines(Readable.from(item('a😀').split(''))));
    expect(rows).toMatchObject([{ value: { id: 'a😀' } }]);
  });

  test('are counted from 1 with the empty ones, in what is said of them', async () => {
    expect(await faultsOf(`\n${item('a')}\n\n{"id": }\n[\n`)).toEqual([
      [4, '', expect.stringMatching(/^is no JSON/)],
      [5, '', 'is no JSON: each line must hold a whole item'],
    ]);
  });

  test('may be huge, as one item with a large file is', async () => {
    const content = 'x'.repeat(3_000_000);
    const text = `${item('a')}\n${item('big', { files: [{ path: 'f', content }] })}\n${item('c')}\n`;
    const lines = await written(text, { size: 65_536, mostBytes: 4_000_000 });
    expect(lines.map(({ id }) => id)).toEqual(['a', 'big', 'c']);
    expect(JSON.stringify(lines[1]).length, 'the file lies beside').toBeLessThan(2_000);
  });

  test('that are longer than allowed are told, and those after them are read', async () => {
    const text = `${item('a')}\n${'x'.repeat(5_000)}\n${item('a')}\n`;
    expect(await faultsOf(text, { size: 100, mostBytes: 1_000 })).toEqual([
      [2, '', 'is longer than 1000 bytes'],
      [3, 'id', 'a is that of line 1 too'],
    ]);
  });
});

describe('faults', () => {
  test('are bytes that are no UTF-8, and those after them are read', async () => {
    const bad = Buffer.from(item('x?', { code: 'a = "?"' })).map((byte) => (byte === 0x3f ? 0xff : byte));
    const text = Buffer.concat([bad, Buffer.from(`\n${item('\uFFFD')}\n{\n`)]);
    expect(await faultsOf(text)).toEqual([
      [1, '', 'is not UTF-8'],
      [3, '', expect.stringContaining('is no JSON')],
    ]);
  });

  test('are all told, each with its line and path', async () => {
    const text = [
      item('good'),
      '[1]',
      item(undefined),
      item('', { limits: { timeout: 5 } }),
      item('d', { language: 'ruby' }),
      item('e', { files: [{ path: '../x', content: '' }] }),
      item('f', { files: [{ path: 'x', from: `blob:sha256:${'0'.repeat(64)}` }] }),
      item('g', { id: 7 }),
      item('h', { labels: [] }),
    ].join('\n');
    expect(await faultsOf(text)).toEqual([
      [2, '', 'must be a JSON object, not an array: each line holds one item'],
      [3, 'id', 'is missing'],
      [4, 'id', 'must have at least 1 character'],
      [4, 'limits.timeout', expect.stringContaining('there is no such field')],
      [5, 'language', expect.stringContaining('python')],
      [6, 'files[0].path', 'must not leave the working folder (no `..`)'],
      [7, 'files[0].from', 'is not in the store'],
      [8, 'id', expect.stringContaining('string')],
      [9, 'labels', 'must be an object, not array'],
    ]);
  });

  test('of very many lines are counted, and the first ones named', async () => {
    const text = Array.from({ length: 3_000 }, (_, at) => item(`i${at}`, { code: '' })).join('\n');
    const error = (await write(text, { size: 65_536 }).catch(
      (thrown: unknown) => thrown,
    )) as InvalidItemsError;
    expect(error).toBeInstanceOf(InvalidItemsError);
    expect([error.items, error.faults.length]).toEqual([3_000, 3_000]);
    expect(error.message.split('\n')).toHaveLength(21);
    expect(error.message).toContain('3000 items');
    expect(error.describe().split('\n')).toHaveLength(3_001);
  });

  test('of an id that is there twice name both lines, however many lie between', async () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => item(`i${at}`));
    lines.push(item('i17'), item('i4999'));
    expect(await faultsOf(lines.join('\n'), { size: 65_536 })).toEqual([
      [5_001, 'id', 'i17 is that of line 18 too'],
      [5_002, 'id', 'i4999 is that of line 5000 too'],
    ]);
  });

  test('are items of their own with skipBad, but for an id that is there twice', async () => {
    const lines = await written(`${item('a')}\nnonsense\n${item('c', { code: '', group: 1 })}\n`, {
      skipBad: true,
    });
    expect(lines).toMatchObject([
      { id: 'a', job: { jobId: 'batch-b/a' } },
      { id: 'line 2', faults: [{ path: '' }] },
      { id: 'c', faults: [{ path: 'group' }, { path: 'code' }] },
    ]);
    expect(await faultsOf(`${item('a')}\n${item('a')}`, { skipBad: true })).toHaveLength(1);
  });
});

describe('defaults', () => {
  const defaults = {
    language: 'python',
    limits: { timeoutMs: 1_000, memoryMb: 100 },
    retry: { maxAttempts: 5 },
    labels: { team: 'x' },
  };

  test('are there where an item says nothing, field by field in limits, retry, validate and labels', async () => {
    const text = [
      JSON.stringify({ id: 'a', code: 'x' }),
      JSON.stringify({
        id: 'b',
        code: 'x',
        language: 'bash',
        limits: { memoryMb: 200 },
        labels: { own: '1' },
      }),
    ].join('\n');
    const [a, b] = await written(text, { defaults });
    expect(a?.job).toMatchObject(defaults);
    expect(b?.job).toMatchObject({
      language: 'bash',
      limits: { timeoutMs: 1_000, memoryMb: 200 },
      labels: { team: 'x', own: '1' },
    });
  });

  test('of nobody: an item is tried once', async () => {
    const [a, b] = await written(`${item('a')}\n${item('b', { retry: { maxAttempts: 3 } })}`);
    expect([a?.job?.retry.maxAttempts, b?.job?.retry.maxAttempts]).toEqual([1, 3]);
  });

  test('that are wrong are told once, by their own name, beside what items say wrong', async () => {
    const lines = [item('a'), item('b', { limits: { timeoutMs: 'y' } }), item('c')].join('\n');
    expect(await faultsOf(lines, { defaults: { limits: { timeoutMs: 'x' } } })).toEqual([
      [1, 'defaults.limits.timeoutMs', expect.any(String)],
      [2, 'limits.timeoutMs', expect.any(String)],
    ]);
  });
});

test('groups go with their items, and segments hold at most a thousand', async () => {
  const text = Array.from({ length: 2_001 }, (_, at) => item(`i${at}`, { group: `g${at % 2}` })).join('\n');
  const { items } = await write(text, { size: 65_536 });
  expect((await json<BatchIndex>(items)).segments.map(({ count }) => count)).toEqual([1_000, 1_000, 1]);
  expect((await written(text, { size: 65_536 }))[2_000]).toMatchObject({ id: 'i2000', group: 'g0' });
});
