import { ScheduleNotFoundError as TemporalScheduleNotFoundError } from '@temporalio/client';
import type { ScheduleHandle as TemporalScheduleHandle } from '@temporalio/client';
import type { ScheduledBatchInput, ScheduledRun } from '../domain/schedule.ts';
import { batchNameOf } from '../domain/schedule-runs.ts';
import type { BatchHandle } from './batch-handle.ts';
import type { Batches } from './batches.ts';
import { ScheduleNotFoundError } from './errors.ts';
import type { Server } from './server.ts';
import { fromServer } from './server-errors.ts';

export const SCHEDULE_PREFIX = 'schedule-';

/** One run of a schedule. `result` is absent while it runs, and where it is broken. */
export interface ScheduleRun {
  /** Its batch, for `assay.batches`. */
  batchId: string;
  state: 'running' | 'done' | 'cancelled' | 'stopped' | 'broken';
  startedAt: Date;
  result?: ScheduledRun | undefined;
}

export interface ScheduleStatus {
  name: string;
  paused: boolean;
  note?: string | undefined;
  items: number;
  notify: string[];
  notifyOn: string[];
  keepRuns: number;
  keepDays?: number | undefined;
  /** The next ten, soonest first; none while it is paused. */
  nextRunsAt: Date[];
  /** How often it began, missed its time by more than the catch-up window, and skipped for an earlier run. */
  began: number;
  missed: number;
  skipped: number;
  createdAt: Date;
}

/** A schedule on the server. */
export class ScheduleHandle {
  readonly schedule: string;
  readonly #server: Server;
  readonly #batches: Batches;
  readonly #handle: TemporalScheduleHandle;

  constructor(server: Server, batches: Batches, schedule: string) {
    this.schedule = schedule;
    this.#server = server;
    this.#batches = batches;
    this.#handle = server.client.schedule.getHandle(SCHEDULE_PREFIX + schedule);
  }

  /** Throws ScheduleNotFoundError, UnreachableServerError, as every method here does. */
  async status(): Promise<ScheduleStatus> {
    const { state, info, action } = await this.#call(() => this.#handle.describe());
    const [input] = (action.args ?? []) as [ScheduledBatchInput?];
    return {
      name: this.schedule,
      paused: state.paused,
      note: state.note,
      items: input?.batch.total ?? 0,
      notify: input?.notify ?? [],
      notifyOn: input?.notifyOn ?? [],
      keepRuns: input?.keepRuns ?? 0,
      keepDays: input?.keepDays,
      nextRunsAt: state.paused ? [] : info.nextActionTimes,
      began: info.numActionsTaken,
      missed: info.numActionsMissedCatchupWindow,
      skipped: info.numActionsSkippedOverlap,
      createdAt: info.createdAt,
    };
  }

  /** Its runs, newest first. */
  async *runs({ limit = 10 } = {}): AsyncGenerator<ScheduleRun, void, undefined> {
    const { client, place } = this.#server;
    const query = `WorkflowType = 'scheduledBatch' AND TemporalScheduledById = '${SCHEDULE_PREFIX}${this.schedule}'`;
    let left = limit;
    try {
      for await (const { workflowId, runId, status, startTime } of client.workflow.list({ query })) {
        if (left-- <= 0) return;
        const whole = status.name === 'COMPLETED';
        const result = whole
          ? ((await client.workflow.getHandle(workflowId, runId).result()) as ScheduledRun)
          : undefined;
        yield {
          batchId: `batch-${batchNameOf(this.schedule, workflowId, runId)}`,
          state: result?.state ?? (status.name === 'RUNNING' ? 'running' : 'broken'),
          startedAt: startTime,
          result,
        };
      }
    } catch (error) {
      throw fromServer(error, place);
    }
  }

  /** The batch of a run. */
  batch(run: Pick<ScheduleRun, 'batchId'>): BatchHandle {
    return this.#batches.get(run.batchId);
  }

  /** Runs it now, whatever its time is; where it runs, the overlap policy says what happens. */
  async trigger(): Promise<void> {
    const { policies } = await this.#call(() => this.#handle.describe());
    // Without a policy of its own, a triggered run would begin beside others, and could not be compared with the last.
    await this.#call(() => this.#handle.trigger(policies.overlap));
  }

  /** Runs it once for each of its times in the past from `from` to `to`, one after the other. */
  async backfill({ from, to }: { from: Date; to: Date }): Promise<void> {
    if (!(from < to)) throw new RangeError('backfill goes from an earlier time to a later one');
    await this.#call(() => this.#handle.backfill({ start: from, end: to, overlap: 'BUFFER_ALL' }));
  }

  /** Runs other items from the next run on. */
  async replaceItems(batch: ScheduledBatchInput['batch']): Promise<void> {
    await this.#call(() =>
      this.#handle.update((found) => {
        const [input] = found.action.args as [ScheduledBatchInput];
        const options = { ...batch.options, ...input.batch.options };
        return { ...found, action: { ...found.action, args: [{ ...input, batch: { ...batch, options } }] } };
      }),
    );
  }

  /** Does not begin further runs; one at work goes on. */
  async pause(note?: string): Promise<void> {
    await this.#call(() => this.#handle.pause(note ?? 'no reason given'));
  }

  async resume(note?: string): Promise<void> {
    await this.#call(() => this.#handle.unpause(note ?? 'resumed'));
  }

  /** Removes the schedule; a run at work goes on, and batches that ran stay. */
  async delete(): Promise<void> {
    await this.#call(() => this.#handle.delete());
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#server.call(work);
    } catch (error) {
      if (error instanceof TemporalScheduleNotFoundError)
        throw new ScheduleNotFoundError(this.schedule, { cause: error });
      throw fromServer(error, this.#server.place);
    }
  }
}
