import { ItemResult } from '../domain/batch.ts';
import type { BatchIndex, ItemLine, Segment } from '../domain/batch.ts';
import type { BlobRef } from '../domain/blob.ts';
import { rowsOfJsonLines } from './json-lines.ts';
import type { Store } from './store.ts';

/** Results of a stream of JSON lines, such as a file that a batch has written. Throws ZodError for what is none. */
export async function* resultsOfLines(
  stream: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<ItemResult, void, undefined> {
  for await (const { value } of rowsOfJsonLines(stream)) yield ItemResult.parse(value);
}

/** Results of a blob. Throws StoreError. */
export async function* resultsOfBlob(
  blob: BlobRef,
  store: Store,
): AsyncGenerator<ItemResult, void, undefined> {
  yield* resultsOfLines((await store.read(blob)) as AsyncIterable<Uint8Array>);
}

/**
 * Items of a batch, by the blob of its BatchIndex, in the order of the input. Default of `wanted`: all segments. Throws StoreError.
 */
export async function* itemLinesOf(
  items: BlobRef,
  store: Store,
  wanted: (segment: Segment) => boolean = () => true,
): AsyncGenerator<ItemLine, void, undefined> {
  const { segments } = JSON.parse(Buffer.from(await store.get(items)).toString('utf8')) as BatchIndex;
  for (const { blob } of segments.filter(wanted))
    for await (const { value } of rowsOfJsonLines((await store.read(blob)) as AsyncIterable<Uint8Array>))
      yield value as ItemLine;
}
