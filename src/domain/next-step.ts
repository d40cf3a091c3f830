import type { Category } from './diagnosis.ts';
import type { Verdict } from './job-result.ts';
import type { RetryPolicy } from './job-spec.ts';

/** What `nextStep` needs to know of an attempt. */
export interface AttemptEnd {
  verdict: Verdict;
  diagnosis?: { category: Category } | undefined;
}

export type NextStep = { do: 'finish' } | { do: 'retry'; afterMs: number };

/**
 * What follows the last of these attempts of the code. Only a failure that may be chance (the code's own time or memory limit,
 * as the policy lists them) is tried again; a wrong answer, an exception or a rejection would only repeat itself, and trouble of the world
 * has been waited out before it became an attempt's verdict.
 */
export function nextStep(attempts: readonly AttemptEnd[], policy: RetryPolicy): NextStep {
  const last = attempts.at(-1);
  if (last?.verdict !== 'failed' || attempts.length >= policy.maxAttempts) return { do: 'finish' };
  const chance: readonly (Category | undefined)[] = policy.on;
  if (!chance.includes(last.diagnosis?.category)) return { do: 'finish' };
  const doubled = policy.initialIntervalMs * 2 ** Math.min(attempts.length - 1, 30);
  return { do: 'retry', afterMs: Math.min(doubled, policy.maximumIntervalMs) };
}

/**
 * The attempt that speaks for the job: the last one that reached a verdict about the code, so that the world's `error` in a later
 * attempt does not hide what an earlier one showed.
 */
export function decisiveAttempt<A extends AttemptEnd>(attempts: readonly A[]): A | undefined {
  return attempts.findLast((attempt) => attempt.verdict !== 'error') ?? attempts.at(-1);
}
