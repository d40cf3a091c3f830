import type { Counts, ItemResult } from '../domain/batch.ts';
import type { Verdict } from '../domain/job-result.ts';
import { decisiveAttempt } from '../domain/next-step.ts';
import { sentenceOf } from './outcome-of-item.ts';
import { Tally } from './summary.ts';

/** Slow is at least twice the time, and at least so many ms more. */
const SLOW_FACTOR = 2;
const SLOW_MS = 100;

export interface ItemState {
  verdict: Verdict;
  /** Of the code and its tests: whether a sandbox was at hand says nothing about them. */
  durationMs: number;
  flaky: boolean;
}

export interface ItemChange {
  id: string;
  /** Absent where the item was added. */
  before?: ItemState | undefined;
  /** Absent where the item was removed. */
  after?: ItemState | undefined;
  /** What ended it: afterwards, or before where it was removed. */
  sentence: string;
}

/** Names of the lists of changes, worst first. */
export const CHANGES = [
  'newlyFailing',
  'newlyError',
  'newlyFlaky',
  'newlySlow',
  'newlyPassing',
  'added',
  'removed',
] as const;
export type Change = (typeof CHANGES)[number];

/** What changed from one batch to another, items told by their ids. Lists are in the order of the later results; `removed` of the earlier. */
export interface BatchDiff extends Record<Change, ItemChange[]> {
  schemaVersion: 1;
  before: { total: number; counts: Counts };
  after: { total: number; counts: Counts };
}

/** Compares two batches. Of the earlier one only verdicts and times are held in memory. */
export async function diffResults(
  earlier: AsyncIterable<ItemResult>,
  later: AsyncIterable<ItemResult>,
): Promise<BatchDiff> {
  const [tallyBefore, tallyAfter] = [new Tally(), new Tally()];
  const known = new Map<string, ItemState & { sentence: string }>();
  for await (const result of earlier) {
    tallyBefore.add(result);
    known.set(result.id, {
      ...stateOf(result),
      sentence: result.verdict === 'passed' ? '' : sentenceOf(result),
    });
  }
  const lists: Record<Change, ItemChange[]> = {
    newlyFailing: [],
    newlyError: [],
    newlyFlaky: [],
    newlySlow: [],
    newlyPassing: [],
    added: [],
    removed: [],
  };
  for await (const result of later) {
    tallyAfter.add(result);
    const found = known.get(result.id);
    known.delete(result.id);
    const after = stateOf(result);
    const sentence = sentenceOf(result);
    if (!found) {
      lists.added.push({ id: result.id, after, sentence });
      continue;
    }
    const { sentence: _, ...before } = found;
    const change = { id: result.id, before, after, sentence };
    for (const name of changesOf(before, after, result.cached === true)) lists[name].push(change);
  }
  for (const [id, { sentence, ...before }] of known) lists.removed.push({ id, before, sentence });
  return { schemaVersion: 1, before: totalsOf(tallyBefore), after: totalsOf(tallyAfter), ...lists };
}

function changesOf(before: ItemState, after: ItemState, cached: boolean): Change[] {
  const changes: Change[] = [];
  if (isFailure(after) && !isFailure(before)) changes.push('newlyFailing');
  if (after.verdict === 'error' && before.verdict !== 'error') changes.push('newlyError');
  if (after.verdict === 'passed' && before.verdict !== 'passed') changes.push('newlyPassing');
  if (after.flaky && !before.flaky) changes.push('newlyFlaky');
  // The time of a recorded verdict is that of an earlier run; that of another verdict is of other work.
  const slow =
    after.durationMs >= before.durationMs * SLOW_FACTOR && after.durationMs - before.durationMs >= SLOW_MS;
  if (slow && !cached && before.verdict === 'passed' && after.verdict === 'passed') changes.push('newlySlow');
  return changes;
}

const isFailure = ({ verdict }: ItemState): boolean => verdict === 'failed' || verdict === 'rejected';

function stateOf({ verdict, attempts, durationMs, flaky }: ItemResult): ItemState {
  const steps =
    decisiveAttempt(attempts)?.steps.filter(({ name }) => name === 'execute' || name === 'test') ?? [];
  const workMs = steps.reduce((sum, step) => sum + step.durationMs, 0);
  return { verdict, durationMs: steps.length === 0 ? durationMs : workMs, flaky: flaky !== undefined };
}

function totalsOf({ total, counts }: Tally): { total: number; counts: Counts } {
  return { total, counts };
}
