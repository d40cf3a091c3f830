import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  executeChild,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchResult } from '../domain/batch.ts';
import { batchNameOf, fittingRule, splitRuns } from '../domain/schedule-runs.ts';
import type {
  Notice,
  PublishedRun,
  ScheduleActivities,
  ScheduledBatchInput,
  ScheduledRun,
} from '../domain/schedule.ts';
import type { batchValidation } from './batch-validation.ts';
import { plain } from './details.ts';

const { noteRun, compareRuns, forgetRuns } = proxyActivities<ScheduleActivities>({
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '6h',
  retry: { initialInterval: '1s', maximumInterval: '1m' },
});
const { sendNotice } = proxyActivities<ScheduleActivities>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '1d',
  retry: { initialInterval: '1s', backoffCoefficient: 3, maximumInterval: '10m' },
});

/** One run of a schedule: the batch, what changed since the last whole run, who is told, and what is forgotten. */
export async function scheduledBatch(input: ScheduledBatchInput): Promise<ScheduledRun> {
  const { lastResult, workflowId, firstExecutionRunId, startTime } = workflowInfo();
  const last = lastResult as ScheduledRun | undefined;
  const series = seriesOf(input);
  const name = batchNameOf(input.schedule, workflowId, firstExecutionRunId);
  const batchId = `batch-${name}`;
  let result: BatchResult;
  try {
    result = await executeChild<typeof batchValidation>('batchValidation', {
      workflowId: batchId,
      args: [{ batchId, name, ...input.batch, owning: true, series }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `${input.schedule}: ${input.batch.total} items`,
      memo: { total: input.batch.total },
    });
  } catch (error) {
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    const reason = error.cause?.message ?? error.message;
    await CancellationScope.nonCancellable(async () => {
      await tell(input, { schedule: input.schedule, batchId, state: 'broken', reason });
      if (!patched('broken-runs-are-noted')) return;
      const run = { batchId, partial: true, startedAt: startTime.toISOString() } as const;
      // Without its note it only stays longer than it should.
      await noteRun({ series, run }).catch(() => undefined);
    });
    throw ApplicationFailure.nonRetryable(`The batch ${batchId} ended without a result: ${reason}`);
  }
  return await CancellationScope.nonCancellable(() => conclude(input, result, last));
}

/** What the notes of its runs are called by. An earlier version's input does not say. */
function seriesOf({ series, schedule }: ScheduledBatchInput): string {
  return series ?? schedule;
}

/** Tells one target, for up to a day; a run does not wait for it. */
export async function notification(notice: Notice): Promise<void> {
  await sendNotice(notice);
}

async function conclude(
  input: ScheduledBatchInput,
  result: BatchResult,
  last: ScheduledRun | undefined,
): Promise<ScheduledRun> {
  const { batchId, state, total, done, counts, startedAt, durationMs, results, parquet } = result;
  const series = seriesOf(input);
  const known = last?.runs ?? [];
  // What was stopped half-way is no measure for the next.
  const partial = state === 'done' ? undefined : true;
  const ended: PublishedRun = { batchId, partial, startedAt, results, parquet };
  const compared = await compareRuns({ series, run: ended, known });
  const { diff, changes, newFailures, newFailureCount } = compared;
  const run: ScheduledRun = {
    schemaVersion: 1,
    schedule: input.schedule,
    ...{ batchId, state, total, done, counts, startedAt, durationMs },
    comparedWith: diff === undefined ? undefined : (compared.before ?? known[0]?.batchId),
    ...{ changes, newFailures, newFailureCount },
    notified: [],
    runs: known,
  };
  // An earlier version's activity tells of no runs.
  const runs = compared.runs ?? (partial ? undefined : [{ ...ended, diff }, ...known]);
  if (runs) {
    const { kept, forget } = splitRuns(runs, input, Date.now(), batchId);
    if (forget.length > 0) await forgetRuns({ series, forget, kept });
    run.runs = kept;
  }
  setCurrentDetails(detailsOf(run));
  const { runs: _, notified: __, schemaVersion: ___, ...told } = run;
  run.notified = await tell(input, { schedule: input.schedule, batchId, state, run: told });
  return run;
}

async function tell(
  { notify, notifyOn }: ScheduledBatchInput,
  notice: Omit<Notice, 'target' | 'rule'>,
): Promise<string[]> {
  const rule = fittingRule(notifyOn, notice.run);
  if (rule === undefined) return [];
  for (const [at, target] of notify.entries())
    await startChild(notification, {
      workflowId: `notify-${notice.batchId}-${at}`,
      args: [{ ...notice, target, rule }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${rule}: ${target.slice(0, 60)}`,
    });
  return notify.map((target) => `${target} (${rule})`);
}

function detailsOf({ state, batchId, counts, total, changes, newFailures }: ScheduledRun): string {
  const changed = changes
    ? Object.entries(changes)
        .filter(([, count]) => count > 0)
        .map(([kind, count]) => `${count} ${kind}`)
    : ['first run'];
  return [
    `**${state}** ${counts.passed} of ${total} passed: \`${batchId}\``,
    '',
    changed.length === 0 ? 'nothing changed' : changed.join(', '),
    ...newFailures.map(({ id, sentence }) => `- ${plain(id)}: ${plain(sentence)}`),
  ].join('\n');
}
