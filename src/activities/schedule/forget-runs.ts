import type { ForgetRunsInput, KeptRun } from '../../domain/schedule.ts';
import type { Store } from '../../store/store.ts';

/** Removes the results of runs, but what a run that is kept has too. Throws StoreError. */
export async function forgetRuns({ forget, kept }: ForgetRunsInput, store: Store): Promise<void> {
  const used = new Set(kept.flatMap(refsOf));
  for (const ref of forget.flatMap(refsOf)) if (!used.has(ref)) await store.remove({ ref });
}

function refsOf({ results, parquet, diff }: KeptRun): string[] {
  return [results, parquet, diff].flatMap((blob) => blob?.ref ?? []);
}
