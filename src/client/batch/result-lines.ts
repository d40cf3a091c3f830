import { ItemResult } from '../../domain/batch.ts';
import type { BatchIndex, ItemLine } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { Store } from '../../store/store.ts';
import { rowsOfJsonLines } from './item-rows.ts';

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

/** Items of a batch, by the blob of its BatchIndex, in the order of the input. Throws StoreError. */
export async function* itemLinesOf(items: BlobRef, store: Store): AsyncGenerator<ItemLine, void, undefined> {
  const { segments } = JSON.parse(Buffer.from(await store.get(items)).toString('utf8')) as BatchIndex;
  for (const { blob } of segments)
    for await (const { value } of rowsOfJsonLines((await store.read(blob)) as AsyncIterable<Uint8Array>))
      yield value as ItemLine;
}
