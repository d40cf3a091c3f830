import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Operator, RetryLayer } from 'opendal';
import type { BlobRef } from '../domain/blob.ts';
import { blobRef, folderOf, parseReference, pathOf } from './reference.ts';
import type { Reference } from './reference.ts';
import { rejoin } from './rejoin.ts';
import { Spool } from './spool.ts';
import type { Store } from './store.ts';
import { StoreError } from './store-error.ts';
import { parseStoreUrl } from './store-url.ts';

/** A stream up to this size is kept in memory, a longer one waits in a temporary file until its hash is known. */
const IN_MEMORY_BYTES = 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Opens the store at a URL: see `parseStoreUrl` for its forms. Throws `StoreError`. */
export function openStore(url: string): Store {
  const { scheme, options } = parseStoreUrl(url);
  let operator: Operator;
  try {
    operator = new Operator(scheme, options);
    // Remote services have hiccups; OpenDAL retries what it calls temporary.
    if (scheme !== 'fs' && scheme !== 'memory') operator = operator.layer(new RetryLayer().build());
  } catch (error) {
    throw StoreError.from(error, `open ${url}`);
  }
  return new OpendalStore(url, operator);
}

class OpendalStore implements Store {
  readonly url: string;
  readonly #operator: Operator;
  readonly #owner: string | undefined;

  constructor(url: string, operator: Operator, owner?: string) {
    this.url = url;
    this.#operator = operator;
    this.#owner = owner;
  }

  ownedBy(owner: string): Store {
    if (!OWNER.test(owner)) throw new StoreError('bad-reference', `${owner} is no name of an owner`);
    return new OpendalStore(this.url, this.#operator, owner);
  }

  async removeOwned(owner: string): Promise<void> {
    if (!OWNER.test(owner)) throw new StoreError('bad-reference', `${owner} is no name of an owner`);
    try {
      await this.#operator.removeAll(folderOf(owner));
    } catch (error) {
      throw StoreError.from(error, `remove what ${owner} owns`);
    }
  }

  async put(content: Uint8Array | string | Readable): Promise<BlobRef> {
    try {
      if (content instanceof Readable) return await this.#putStream(content);
      return await this.#putBytes(asBuffer(content));
    } catch (error) {
      throw StoreError.from(error, 'put a blob');
    }
  }

  async get(blob: Pick<BlobRef, 'ref'>): Promise<Uint8Array> {
    const at = referenceOf(blob.ref);
    const bytes = await this.#operator.read(pathOf(at)).catch((error: unknown) => {
      throw StoreError.from(error, `get ${blob.ref}`);
    });
    if (createHash('sha256').update(bytes).digest('hex') !== at.sha256) throw damaged(blob.ref);
    return bytes;
  }

  async read(blob: Pick<BlobRef, 'ref'>): Promise<Readable> {
    const at = referenceOf(blob.ref);
    try {
      await this.#operator.stat(pathOf(at));
      const reader = await this.#operator.reader(pathOf(at));
      return Readable.from(verified(reader, at.sha256, blob.ref), { objectMode: false });
    } catch (error) {
      throw StoreError.from(error, `read ${blob.ref}`);
    }
  }

  async remove(blob: Pick<BlobRef, 'ref'>): Promise<void> {
    try {
      await this.#operator.delete(pathOf(referenceOf(blob.ref)));
    } catch (error) {
      throw StoreError.from(error, `remove ${blob.ref}`);
    }
  }

  async putNamed(name: string, bytes: Uint8Array | string): Promise<void> {
    try {
      await this.#operator.write(namedPath(name), asBuffer(bytes));
    } catch (error) {
      throw StoreError.from(error, `write ${name}`);
    }
  }

  async getNamed(name: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#operator.read(namedPath(name));
    } catch (error) {
      const failure = StoreError.from(error, `read ${name}`);
      if (failure.code === 'not-found') return undefined;
      throw failure;
    }
  }

  async listNamed(folder: string): Promise<string[]> {
    try {
      const entries = await this.#operator.list(namedPath(folder));
      return entries
        .map((entry) => entry.path())
        .filter((path) => !path.endsWith('/'))
        .map((path) => path.slice(NAMED.length))
        .toSorted();
    } catch (error) {
      const failure = StoreError.from(error, `list ${folder}`);
      if (failure.code === 'not-found') return [];
      throw failure;
    }
  }

  async removeNamed(name: string): Promise<void> {
    try {
      await this.#operator.delete(namedPath(name));
    } catch (error) {
      throw StoreError.from(error, `remove ${name}`);
    }
  }

  async removeFolder(folder: string): Promise<void> {
    try {
      await this.#operator.removeAll(namedPath(folder));
    } catch (error) {
      throw StoreError.from(error, `remove ${folder}`);
    }
  }

  async #putBytes(bytes: Buffer): Promise<BlobRef> {
    const at = { owner: this.#owner, sha256: createHash('sha256').update(bytes).digest('hex') };
    if (!(await this.#has(at, bytes.length))) await this.#operator.write(pathOf(at), bytes);
    return blobRef(at, bytes.length);
  }

  async #putStream(stream: Readable): Promise<BlobRef> {
    const head: Buffer[] = [];
    let headBytes = 0;
    const chunks = buffersOf(stream);
    while (headBytes <= IN_MEMORY_BYTES) {
      const next = await chunks.next();
      if (next.done) return this.#putBytes(Buffer.concat(head));
      head.push(next.value);
      headBytes += next.value.length;
    }
    return this.#putLong(rejoin(head, chunks));
  }

  /** The name of a blob is its hash, so a long stream is spooled before it is written. */
  async #putLong(chunks: AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const spool = new Spool();
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          bytes += chunk.length;
          done(null, chunk);
        },
      });
      await pipeline(chunks, meter, createWriteStream('', { fd: spool.writeFd }));
      const at = { owner: this.#owner, sha256: hash.digest('hex') };
      if (!(await this.#has(at, bytes))) {
        const writer = await this.#operator.writer(pathOf(at));
        for await (const chunk of spool.read({ highWaterMark: CHUNK_BYTES }))
          await writer.write(chunk as Buffer);
        await writer.close();
      }
      return blobRef(at, bytes);
    } finally {
      spool.close();
    }
  }

  /** Whether the blob is there with its size; a torn one of another size is written anew. */
  async #has(at: Reference, bytes: number): Promise<boolean> {
    try {
      const { contentLength } = await this.#operator.stat(pathOf(at));
      return contentLength === BigInt(bytes);
    } catch {
      return false;
    }
  }
}

async function* buffersOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield asBuffer(chunk);
}

async function* verified(
  reader: { read(buffer: Buffer): Promise<bigint> },
  sha256: string,
  ref: string,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for (;;) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    const bytes = await reader.read(buffer).catch((error: unknown) => {
      throw StoreError.from(error, `read ${ref}`);
    });
    if (bytes === 0n) break;
    const chunk = buffer.subarray(0, Number(bytes));
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) throw damaged(ref);
}

function asBuffer(bytes: Uint8Array | string): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const NAMED = 'named/';
const OWNER = /^\w[\w.-]*$/;

function namedPath(name: string): string {
  if (!/^[\w.-]+(\/[\w.-]+)*\/?$/.test(name) || name.includes('..'))
    throw new StoreError('bad-reference', `${name} is no name in the store`);
  return NAMED + name;
}

function referenceOf(ref: string): Reference {
  const found = parseReference(ref);
  if (!found) throw new StoreError('bad-reference', `${ref} is not a reference into the store`);
  return found;
}

function damaged(ref: string): StoreError {
  return new StoreError('damaged', `The blob ${ref} is damaged: its bytes have another hash`);
}
