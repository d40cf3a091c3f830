import type { Change, ItemChange } from './diff.ts';

/** What each list of changes is called. */
export const CHANGE_TITLES: Record<Change, string> = {
  newlyFailing: 'newly failing',
  newlyError: 'newly error',
  newlyFlaky: 'newly flaky',
  newlySlow: 'newly slow',
  newlyPassing: 'newly passing',
  added: 'added',
  removed: 'removed',
};

/** What changed of an item, in a few words: `passed → failed`, `120 ms → 480 ms`. */
export function movementOf({ before, after }: ItemChange, change: Change): string {
  if (change === 'newlySlow')
    return `${Math.round(before?.durationMs ?? 0)} ms → ${Math.round(after?.durationMs ?? 0)} ms`;
  if (!before) return after?.verdict ?? '';
  return after ? `${before.verdict} → ${after.verdict}` : before.verdict;
}
