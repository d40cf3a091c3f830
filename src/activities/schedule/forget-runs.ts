import type { ForgetRunsInput, KeptRun } from '../../domain/schedule.ts';
import { batchFolder } from '../../store/batch-folder.ts';
import type { Store } from '../../store/store.ts';
import { RunNotes } from './run-notes.ts';

/**
 * Removes all that runs have put into the store, and then their notes: where it is cut short, the next try finds them. What runs of earlier
 * versions have put lies among what others put; of that, results go unless a run that is kept has the same. Throws StoreError.
 */
export async function forgetRuns({ series, forget, kept }: ForgetRunsInput, store: Store): Promise<void> {
  const notes = new RunNotes(store, series);
  const used = new Set(kept.flatMap(refsOf));
  for (const run of forget) {
    for (const ref of refsOf(run)) if (!used.has(ref)) await store.remove({ ref });
    await store.removeOwned(run.batchId);
    await store.removeFolder(batchFolder(run.batchId));
    await notes.remove(run);
  }
}

function refsOf({ results, parquet, diff }: KeptRun): string[] {
  return [results, parquet, diff].flatMap((blob) => blob?.ref ?? []);
}
