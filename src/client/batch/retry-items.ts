import type { BatchIndex, BatchResult, ItemLine } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { Verdict } from '../../domain/job-result.ts';
import type { Store } from '../../store/store.ts';
import { rowsOfJsonLines } from './item-rows.ts';
import { resultsOfBlob } from './result-lines.ts';
import { SegmentWriter } from './write-items.ts';

/** Puts the items of an earlier batch that ended with one of these verdicts into the store as those of a new one. Throws StoreError. */
export async function writeRetried(
  { items, results }: BatchResult,
  store: Store,
  { batchId, only }: { batchId: string; only: readonly Verdict[] },
): Promise<{ items: BlobRef; total: number }> {
  const wanted = new Set<number>();
  for await (const { index, verdict } of resultsOfBlob(results, store))
    if (only.includes(verdict)) wanted.add(index);
  const writer = new SegmentWriter(store);
  const { segments } = JSON.parse(Buffer.from(await store.get(items)).toString('utf8')) as BatchIndex;
  for (const { blob, from, count } of segments) {
    if (!Array.from({ length: count }, (_, at) => from + at).some((index) => wanted.has(index))) continue;
    for await (const { value } of rowsOfJsonLines((await store.read(blob)) as AsyncIterable<Uint8Array>)) {
      const { index, job, ...item } = value as ItemLine;
      if (!wanted.has(index)) continue;
      await writer.add({ ...item, ...(job && { job: { ...job, jobId: `${batchId}/${item.id}` } }) });
    }
  }
  return await writer.end();
}
