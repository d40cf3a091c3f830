import type { Readable } from 'node:stream';
import type { BlobRef } from '../domain/blob.ts';

/** Where code, files, outputs and results lie. Content-addressed: putting the same bytes twice is one blob. */
export interface Store {
  /** The URL it was opened with. */
  readonly url: string;
  /** Stores bytes, a text (UTF-8) or a stream, with flat memory for the last. */
  put(content: Uint8Array | string | Readable): Promise<BlobRef>;
  /** All bytes of a blob. Throws `StoreError` with code `not-found` where it is gone, `damaged` where its hash differs. */
  get(blob: Pick<BlobRef, 'ref'>): Promise<Uint8Array>;
  /** The same store, but what is put lies apart under this name (letters, digits and `. _ -`), shared with nobody. */
  ownedBy(owner: string): Store;
  /** Removes all that was put under this name; none is fine, and so is what an earlier try has left. */
  removeOwned(owner: string): Promise<void>;
  /** Removes a blob; one that is not there is fine. Whoever calls it knows that nobody else has the same bytes. */
  remove(blob: Pick<BlobRef, 'ref'>): Promise<void>;
  /** Writes bytes under a name (`a/b.json`) that may be written again. For notes and indexes; what counts is a blob. */
  putNamed(name: string, bytes: Uint8Array | string): Promise<void>;
  /** The bytes of a name, or undefined where there are none. */
  getNamed(name: string): Promise<Uint8Array | undefined>;
  /** The names that begin with a folder (`a/`), sorted. */
  listNamed(folder: string): Promise<string[]>;
  /** Removes a name; one that is not there is fine. */
  removeNamed(name: string): Promise<void>;
  /** Removes all names that begin with a folder (`a/`); none is fine. */
  removeFolder(folder: string): Promise<void>;
  /** The same as a stream. */
  read(blob: Pick<BlobRef, 'ref'>): Promise<Readable>;
}
