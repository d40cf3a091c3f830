import type { Failure, ItemResult } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { ComparedRuns, CompareRunsInput, RunChanges } from '../../domain/schedule.ts';
import { CHANGES, diffResults } from '../../reports/diff.ts';
import type { ItemChange } from '../../reports/diff.ts';
import { resultsOfBlob } from '../../store/batch-lines.ts';
import type { Store } from '../../store/store.ts';
import { StoreError } from '../../store/store-error.ts';

const FAILURES_TOLD = 20;
const SENTENCE_CHARS = 300;

/** What a run brought that the one before it did not. Where that one's results are gone, it is a first run. Throws StoreError. */
export async function compareRuns({ before, after }: CompareRunsInput, store: Store): Promise<ComparedRuns> {
  const base = before && (await isThere(before.results, store)) ? before.results : undefined;
  const diff = await diffResults(base ? resultsOfBlob(base, store) : nothing(), resultsOfBlob(after, store));
  const failing = [
    ...diff.newlyFailing,
    ...diff.newlyError,
    ...diff.added.filter((change) => change.after?.verdict !== 'passed'),
  ];
  const newFailures = failing.slice(0, FAILURES_TOLD).map(failureOf);
  if (!base) return { newFailures, newFailureCount: failing.length };
  const changes = Object.fromEntries(
    CHANGES.map((kind) => [kind, diff[kind].length]),
  ) as unknown as RunChanges;
  return {
    diff: await store.put(JSON.stringify(diff)),
    changes,
    newFailures,
    newFailureCount: failing.length,
  };
}

function failureOf({ id, after, sentence }: ItemChange): Failure {
  return { id, verdict: after!.verdict, sentence: sentence.slice(0, SENTENCE_CHARS) };
}

async function isThere(blob: BlobRef, store: Store): Promise<boolean> {
  try {
    (await store.read(blob)).destroy();
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return false;
    throw error;
  }
}

// eslint-disable-next-line require-yield
async function* nothing(): AsyncGenerator<ItemResult> {}
