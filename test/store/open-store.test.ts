import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';

describe.each(['folder', 'file URL', 'memory'])('a store in a %s', (kind) => {
  let root: string;
  let store: Store;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'assay-store-'));
    store = openStore(kind === 'memory' ? 'memory://' : kind === 'folder' ? root : `file://${root}`);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test('gives back bytes and texts, by their hash', async () => {
    const blob = await store.put('héllo');
    expect(blob).toEqual({ ref: `blob:sha256:${sha256('héllo')}`, sha256: sha256('héllo'), bytes: 6 });
    expect(Buffer.from(await store.get(blob)).toString()).toBe('héllo');
    const empty = await store.put(new Uint8Array());
    expect((await store.get(empty)).byteLength).toBe(0);
  });

  test('the same bytes are one blob, as bytes or as a stream', async () => {
    const bytes = randomBytes(5_000_000);
    const [once, twice] = [await store.put(bytes), await store.put(inPieces(bytes, 70_001))];
    expect(twice).toEqual(once);
    expect(Buffer.from(await store.get(once)).equals(bytes)).toBe(true);
    expect((await buffer(await store.read(once))).equals(bytes)).toBe(true);
  });

  test('what an owner puts is shared with nobody, and goes with the owner alone', async () => {
    const bytes = randomBytes(3_000_000);
    const [shared, mine, other] = [
      await store.put(bytes),
      await store.ownedBy('batch-1').put(inPieces(bytes, 70_001)),
      await store.ownedBy('batch-1.1').put(bytes),
    ];
    const small = await store.ownedBy('batch-1').put('small');
    expect(mine).toEqual({ ...shared, ref: `blob:batch-1:sha256:${shared.sha256}` });
    for (const blob of [shared, mine, other])
      expect((await buffer(await store.read(blob))).equals(bytes)).toBe(true);
    await store.removeOwned('batch-1');
    for (const blob of [mine, small])
      await expect(store.get(blob)).rejects.toMatchObject({ code: 'not-found' });
    for (const blob of [shared, other]) expect(Buffer.from(await store.get(blob)).equals(bytes)).toBe(true);
    await store.removeOwned('batch-1');
    for (const owner of ['', '.', '..', '../batch-1.1', 'a/b', 'a:b']) {
      expect(() => store.ownedBy(owner)).toThrow('is no name of an owner');
      await expect(store.removeOwned(owner)).rejects.toMatchObject({ code: 'bad-reference' });
    }
  });

  test('a blob that is not there is not-found, a wrong reference bad-reference', async () => {
    const ref = `blob:sha256:${sha256('nothing')}`;
    await expect(store.get({ ref })).rejects.toMatchObject({ name: 'StoreError', code: 'not-found' });
    await expect(store.read({ ref })).rejects.toMatchObject({ code: 'not-found' });
    await expect(store.get({ ref: 'blob:sha256:../../etc/passwd' })).rejects.toMatchObject({
      code: 'bad-reference',
    });
  });

  test('a stream that breaks leaves no blob', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(3_000_000);
        throw new Error('the source broke');
      })(),
    );
    await expect(store.put(broken)).rejects.toThrow('the source broke');
    if (kind !== 'memory') expect(await filesBelow(root)).toEqual([]);
  });

  test('many puts of the same bytes at once end in one good blob', async () => {
    const blobs = await Promise.all(Array.from({ length: 20 }, () => store.put(Buffer.alloc(100_000, 7))));
    expect(new Set(blobs.map((blob) => blob.ref)).size).toBe(1);
    expect((await store.get(blobs[0]!)).byteLength).toBe(100_000);
  });
});

describe('a store in a folder', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'assay-store-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test('notices changed bytes, and mends a torn blob when it is put again', async () => {
    const store = openStore(root);
    const blob = await store.put('some bytes');
    const path = join(root, 'blobs', blob.sha256.slice(0, 2), blob.sha256);
    await writeFile(path, 'same bytes');
    await expect(store.get(blob)).rejects.toMatchObject({ code: 'damaged' });
    await expect(store.read(blob).then((stream) => buffer(stream))).rejects.toMatchObject({
      code: 'damaged',
    });
    await truncate(path, 3);
    await store.put('some bytes');
    expect(Buffer.from(await store.get(blob)).toString()).toBe('some bytes');
  });

  test('keeps its memory flat while it takes a long stream', async () => {
    const store = openStore(root);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const blob = await store.put(
      Readable.from(
        (async function* () {
          for (let i = 0; i < 200; i++) {
            peak = Math.max(peak, process.memoryUsage().rss);
            yield Buffer.alloc(1_000_000, i);
          }
        })(),
      ),
    );
    expect(blob.bytes).toBe(200_000_000);
    expect(peak - before).toBeLessThan(120_000_000);
  });
});

test.each([
  ['', 'empty'],
  ['http://host/x', 'not known'],
  ['s3:///prefix', 'names no bucket'],
  ['s3://key:secret@bucket/x', 'credentials'],
  ['s3://bucket/x?secret_access_key=abc', 'credentials'],
  ['file://host/x', 'ABSOLUTE'],
])('the URL %j is refused: %s', (url, words) => {
  expect(() => openStore(url)).toThrow(
    expect.objectContaining({ code: 'bad-url', message: expect.stringContaining(words) }),
  );
});

test.each([
  's3://bucket/prefix?region=eu-west-1&endpoint=http://127.0.0.1:9',
  'gs://bucket',
  'azblob://box?endpoint=https://127.0.0.1:9',
])('the URL %s opens', (url) => {
  expect(openStore(url).url).toBe(url);
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function inPieces(bytes: Buffer, size: number): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
  );
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}
