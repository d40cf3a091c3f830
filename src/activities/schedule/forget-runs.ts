import type { ForgetRunsInput, KeptRun } from '../../domain/schedule.ts';
import { batchFolder } from '../../store/batch-folder.ts';
import type { Store } from '../../store/store.ts';
import { isLongAgo, RunNotes } from './run-notes.ts';

/**
 * Removes all that runs have put into the store, and then their notes: where it is cut short, the next try finds them. What runs of earlier
 * versions have put lies among what others put; of that, results go unless a run that is kept has the same. What a broken run has put is removed again
 * with each run for ten minutes. Throws StoreError.
 */
export async function forgetRuns({ series, forget, kept }: ForgetRunsInput, store: Store): Promise<void> {
  const notes = new RunNotes(store, series);
  const used = new Set(kept.flatMap(refsOf));
  for (const run of forget) {
    for (const ref of refsOf(run)) if (!used.has(ref)) await store.remove({ ref });
    await store.removeOwned(run.batchId);
    await store.removeFolder(batchFolder(run.batchId));
    if (isStill(run)) await notes.remove(run);
    else if (run.forgottenAt === undefined)
      await notes.put({ ...run, forgottenAt: new Date().toISOString() });
  }
}

/** Whether nothing of a run can be at work any more. What a batch was doing when it was terminated goes on until it next asks. */
function isStill({ results, forgottenAt }: KeptRun): boolean {
  return results !== undefined || (forgottenAt !== undefined && isLongAgo(forgottenAt));
}

function refsOf({ results, parquet, diff }: KeptRun): string[] {
  return [results, parquet, diff].flatMap((blob) => blob?.ref ?? []);
}
