import type { Failure, ItemResult } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type {
  ComparedRuns,
  CompareRunsInput,
  KeptRun,
  PublishedRun,
  RunChanges,
} from '../../domain/schedule.ts';
import { CHANGES, diffResults } from '../../reports/diff.ts';
import type { ItemChange } from '../../reports/diff.ts';
import { resultsOfBlob } from '../../store/batch-lines.ts';
import type { Store } from '../../store/store.ts';
import { StoreError } from '../../store/store-error.ts';
import { isLongAgo, newestFirst, RunNotes } from './run-notes.ts';

const FAILURES_TOLD = 20;
const SENTENCE_CHARS = 300;

/**
 * What a run brought that the one before it did not: the last whole one that began before it, has ended and whose results are there; without
 * one it is a first run. Notes it down for those that come after it. Throws StoreError.
 */
export async function compareRuns(
  { series, run, known }: CompareRunsInput,
  store: Store,
): Promise<ComparedRuns> {
  const notes = new RunNotes(store, series);
  const noted = (await notes.list()).filter(isSettled);
  const earlier = earlierRuns(run, [...noted, ...known]);
  const before = await lastBefore(run, earlier, store);
  const diff = await diffResults(
    before ? resultsOfBlob(before.results, store) : nothing(),
    resultsOfBlob(run.results, store),
  );
  const failing = [
    ...diff.newlyFailing,
    ...diff.newlyError,
    ...diff.added.filter((change) => change.after?.verdict !== 'passed'),
  ];
  const changed = before && {
    before: before.batchId,
    diff: await store.ownedBy(run.batchId).put(JSON.stringify(diff)),
    changes: Object.fromEntries(CHANGES.map((kind) => [kind, diff[kind].length])) as unknown as RunChanges,
  };
  const ended = { ...run, ...(changed && { diff: changed.diff }) };
  await notes.put(ended);
  return {
    ...changed,
    runs: newestFirst([ended, ...earlier]),
    newFailures: failing.slice(0, FAILURES_TOLD).map(failureOf),
    newFailureCount: failing.length,
  };
}

function earlierRuns(run: KeptRun, runs: KeptRun[]): KeptRun[] {
  const byId = new Map(runs.toReversed().map((one) => [one.batchId, one]));
  byId.delete(run.batchId);
  return newestFirst([...byId.values()]);
}

async function lastBefore(run: KeptRun, runs: KeptRun[], store: Store): Promise<PublishedRun | undefined> {
  const began = Date.parse(run.startedAt);
  for (const one of runs.filter(isWhole))
    if (Date.parse(one.startedAt) < began && (await isThere(one.results, store))) return one;
  return undefined;
}

/** Not one that is comparing itself just now. A run that was terminated never does. */
const isSettled = ({ publishedAt }: KeptRun): boolean => publishedAt === undefined || isLongAgo(publishedAt);

const isWhole = (run: KeptRun): run is PublishedRun => !run.partial && run.results !== undefined;

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
