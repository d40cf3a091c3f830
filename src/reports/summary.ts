import type { Counts, Failure, ItemResult } from '../domain/batch.ts';
import { sentenceOf } from './outcome-of-item.ts';
import { passAtK } from './pass-at-k.ts';
import type { PassAtK, Samples } from './pass-at-k.ts';

/** Counts of results as they go by, and what pass@k needs. */
export class Tally {
  readonly counts: Counts = { passed: 0, failed: 0, rejected: 0, error: 0, cached: 0, flaky: 0 };
  total = 0;
  /** Of all items, one after the other, in ms. */
  durationMs = 0;
  readonly #groups = new Map<string, Samples>();

  add({ verdict, cached, flaky, group, durationMs }: ItemResult): void {
    this.total += 1;
    this.durationMs += durationMs;
    this.counts[verdict] += 1;
    if (cached) this.counts.cached += 1;
    if (flaky) this.counts.flaky += 1;
    // An error of the world says nothing of the sample.
    if (group === undefined || verdict === 'error') return;
    const samples = this.#groups.get(group) ?? { judged: 0, passed: 0 };
    samples.judged += 1;
    if (verdict === 'passed') samples.passed += 1;
    this.#groups.set(group, samples);
  }

  /** Empty where no item has a group. */
  passAtK(ks: readonly number[]): PassAtK[] {
    return this.#groups.size === 0 ? [] : ks.map((k) => passAtK(this.#groups.values(), k));
  }
}

export interface Summary {
  schemaVersion: 1;
  total: number;
  counts: Counts;
  /** Of all items, one after the other, in ms. */
  durationMs: number;
  /** Items that did not pass, in the order of the results, at most `maxFailures`. */
  failures: Failure[];
  /** Items whose runs did not agree, whatever counts of them, likewise. Present where there are any. */
  flaky?: (Pick<ItemResult, 'id' | 'verdict'> & NonNullable<ItemResult['flaky']>)[];
  /** Present where items carry a group. */
  passAtK?: PassAtK[];
}

export interface SummaryOptions {
  /** Default: 1, 10 and 100, as far as the groups have so many samples */
  ks?: readonly number[] | undefined;
  /** Default: 50 */
  maxFailures?: number | undefined;
}

/** What the results of a batch come to, with flat memory. */
export async function summarize(
  results: AsyncIterable<ItemResult>,
  { ks, maxFailures = 50 }: SummaryOptions = {},
): Promise<Summary> {
  const tally = new Tally();
  const failures: Failure[] = [];
  const unsteady: NonNullable<Summary['flaky']> = [];
  for await (const result of results) {
    tally.add(result);
    if (result.verdict !== 'passed' && failures.length < maxFailures)
      failures.push({ id: result.id, verdict: result.verdict, sentence: sentenceOf(result) });
    if (result.flaky && unsteady.length < maxFailures)
      unsteady.push({ id: result.id, verdict: result.verdict, ...result.flaky });
  }
  const { total, counts, durationMs } = tally;
  const estimates = tally.passAtK(ks ?? [1, 10, 100]).filter(({ groups }) => ks !== undefined || groups > 0);
  return {
    schemaVersion: 1,
    total,
    counts,
    durationMs,
    failures,
    ...(unsteady.length > 0 && { flaky: unsteady }),
    ...(estimates.length > 0 && { passAtK: estimates }),
  };
}
