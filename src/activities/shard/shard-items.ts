import { BatchIndex } from '../../domain/batch.ts';
import type { ItemLine, ItemRange } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { Store } from '../../store/store.ts';

const SEGMENTS_KEPT = 16;
const INDEXES_KEPT = 8;

/** Reads the items of batches from the store; what was read last is kept, for the shards of a batch lie side by side. */
export class ShardItems {
  readonly #store: Store;
  readonly #indexes = new Recent<BatchIndex>(INDEXES_KEPT);
  readonly #segments = new Recent<ItemLine[]>(SEGMENTS_KEPT);

  constructor(store: Store) {
    this.#store = store;
  }

  /** In the order of the ranges. Throws StoreError. */
  async read(items: BlobRef, ranges: ItemRange[]): Promise<ItemLine[]> {
    const index = await this.#indexes.get(items.ref, async () =>
      BatchIndex.parse(JSON.parse(Buffer.from(await this.#store.get(items)).toString('utf8'))),
    );
    const found: ItemLine[] = [];
    for (const [from, to] of ranges)
      for (const { blob, from: first, count } of index.segments) {
        if (first >= to || first + count <= from) continue;
        const lines = await this.#segments.get(blob.ref, () => this.#lines(blob));
        found.push(...lines.slice(Math.max(from - first, 0), to - first));
      }
    return found;
  }

  async #lines(blob: BlobRef): Promise<ItemLine[]> {
    const text = Buffer.from(await this.#store.get(blob)).toString('utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ItemLine);
  }
}

/** The last few values by name; one that is being made is waited for by all who ask. */
class Recent<T> {
  readonly #values = new Map<string, Promise<T>>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  async get(name: string, make: () => Promise<T>): Promise<T> {
    const value = this.#values.get(name) ?? make();
    this.#values.delete(name);
    this.#values.set(name, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value as string);
    value.catch(() => this.#values.delete(name));
    return await value;
  }
}
