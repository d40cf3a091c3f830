import type { BatchResult, Segment } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { Verdict } from '../../domain/job-result.ts';
import { itemLinesOf, resultsOfBlob } from '../../store/batch-lines.ts';
import type { Store } from '../../store/store.ts';
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
  const holdsSome = ({ from, count }: Segment): boolean =>
    Array.from({ length: count }, (_, at) => from + at).some((index) => wanted.has(index));
  for await (const { index, job, ...item } of itemLinesOf(items, store, holdsSome)) {
    if (!wanted.has(index)) continue;
    await writer.add({ ...item, ...(job && { job: { ...job, jobId: `${batchId}/${item.id}` } }) });
  }
  return await writer.end();
}
