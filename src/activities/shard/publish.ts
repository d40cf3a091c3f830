import { Readable } from 'node:stream';
import type { PublishInput, Published, Segment } from '../../domain/batch.ts';
import { resultsOfBlob } from '../../store/batch-lines.ts';
import { batchFolder } from '../../store/batch-folder.ts';
import type { Store } from '../../store/store.ts';

const PARTS_KEPT = 32;

/** Puts the results of all parts into one blob, in the order of the input, one line an item, and into a table of the same. Throws StoreError. */
export async function publish({ batchId, parts, owning }: PublishInput, store: Store): Promise<Published> {
  const own = owning ? store.ownedBy(batchId) : store;
  // Where each line lies: [index, part, line], as one list so that a million of them are cheap.
  const places: [number, number, number][] = [];
  const seen = new Set<number>();
  const reader = new PartReader(store, parts);
  for (const [part] of parts.entries())
    for (const [line, text] of (await reader.lines(part)).entries()) {
      const index = indexOf(text);
      if (seen.has(index)) continue;
      seen.add(index);
      places.push([index, part, line]);
    }
  places.sort(([a], [b]) => a - b);
  const results = await own.put(Readable.from(inOrder(places, reader), { objectMode: true }));
  // Only here: short-lived workers do without.
  const { toParquet } = await import('../../reports/parquet.ts');
  const parquet = await own.put(Readable.from(toParquet(resultsOfBlob(results, store))));
  // What a shard has left whose worker died before the batch was told to stop.
  await store.removeFolder(batchFolder(batchId)).catch(() => undefined);
  return { results, parquet };
}

async function* inOrder(places: [number, number, number][], reader: PartReader): AsyncGenerator<Buffer> {
  for (const [, part, line] of places) yield Buffer.from(`${(await reader.lines(part))[line]}\n`);
}

/** Each result is written with its id and place first. */
function indexOf(line: string): number {
  return (JSON.parse(line) as { index: number }).index;
}

/** Lines of parts; the last few parts are kept, for neighbours lie in the same ones. */
class PartReader {
  readonly #store: Store;
  readonly #parts: Segment[];
  readonly #kept = new Map<number, string[]>();

  constructor(store: Store, parts: Segment[]) {
    this.#store = store;
    this.#parts = parts;
  }

  async lines(part: number): Promise<string[]> {
    let lines = this.#kept.get(part);
    if (!lines) {
      const text = Buffer.from(await this.#store.get(this.#parts[part]!.blob)).toString('utf8');
      lines = text.split('\n').filter((line) => line !== '');
      this.#kept.set(part, lines);
      if (this.#kept.size > PARTS_KEPT) this.#kept.delete(this.#kept.keys().next().value as number);
    }
    return lines;
  }
}
