import type { KeptRun, ScheduledBatchInput, ScheduledRun } from './schedule.ts';

// What the workflow of a run decides; no schema is imported here, since a workflow's bundle is to hold none.

/** The rules of `notifyOn`. */
export const RULE = /^(always|any-new-failure|(error|failure)-rate>(\d+(?:\.\d+)?)%)$/;

/** The first rule that fits a run. A run that is broken fits each. */
export function fittingRule(
  rules: readonly string[],
  run: Pick<ScheduledRun, 'counts' | 'done' | 'newFailureCount'> | undefined,
): string | undefined {
  return rules.find((rule) => {
    const [, name, , percent] = RULE.exec(rule) ?? [];
    if (!run || name === 'always') return true;
    if (name === 'any-new-failure') return run.newFailureCount > 0;
    const { error, failed, rejected } = run.counts;
    const count = rule.startsWith('error') ? error : failed + rejected;
    return run.done > 0 && (count / run.done) * 100 > Number(percent);
  });
}

/**
 * Splits runs, newest first, into those that are kept and those to be forgotten. Whole ones are counted; one that is not goes with those that
 * are older than it. The newest whole one is always kept, and so is the one that has just ended.
 */
export function splitRuns(
  runs: readonly KeptRun[],
  { keepRuns, keepDays }: Pick<ScheduledBatchInput, 'keepRuns' | 'keepDays'>,
  nowMs: number,
  ended?: string,
): { kept: KeptRun[]; forget: KeptRun[] } {
  const oldest = keepDays === undefined ? -Infinity : nowMs - keepDays * 86_400_000;
  const kept: KeptRun[] = [];
  const forget: KeptRun[] = [];
  let newer = 0;
  for (const run of runs) {
    const fits = newer < keepRuns && Date.parse(run.startedAt) >= oldest;
    const newest = newer === 0 && !run.partial;
    (fits || newest || run.batchId === ended ? kept : forget).push(run);
    if (!run.partial) newer += 1;
  }
  return { kept, forget };
}

/** The name of a run's batch: the schedule, the time for which the server has started it, and what tells apart two of the same second. */
export function batchNameOf(schedule: string, workflowId: string, runId: string): string {
  const [time = ''] = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/.exec(workflowId) ?? [];
  return [schedule, time.replaceAll(/[-:]/g, ''), runId.slice(-4)].filter(Boolean).join('-');
}
