import { randomUUID } from 'node:crypto';
import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type ScheduleOptions as TemporalScheduleOptions,
} from '@temporalio/client';
import type { BatchOptions } from '../domain/batch.ts';
import { ScheduleName, ScheduleOptions } from '../domain/schedule.ts';
import type { Overlap, ParsedScheduleOptions, ScheduledBatchInput } from '../domain/schedule.ts';
import { specFaults } from '../domain/spec-faults.ts';
import type { Batches, BatchesParts, BatchItems } from './batches.ts';
import { InvalidSpecError, ScheduleExistsError } from './errors.ts';
import { ScheduleHandle, SCHEDULE_PREFIX } from './schedule-handle.ts';
import { fromServer } from './server-errors.ts';

export interface ScheduleSummary {
  name: string;
  paused: boolean;
  /** Why it is paused, say. */
  note?: string | undefined;
  nextRunAt?: Date | undefined;
  lastRunAt?: Date | undefined;
}

export interface SchedulesParts extends BatchesParts {
  batches: Batches;
}

const OVERLAP_POLICIES: Record<Overlap, ScheduleOverlapPolicy> = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'terminate-other': ScheduleOverlapPolicy.TERMINATE_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
};

/** Schedules of batches on a server. */
export class Schedules {
  readonly #parts: SchedulesParts;

  constructor(parts: SchedulesParts) {
    this.#parts = parts;
  }

  /**
   * Checks all items, puts them into the store and makes a schedule that runs them as a batch. Recorded verdicts do not count unless
   * `batch.cache` is true. Throws InvalidItemsError, InvalidSpecError (a bad cron expression too), ScheduleExistsError, StoreError,
   * UnreachableServerError.
   */
  async create(
    name: string,
    items: BatchItems,
    { batch = {}, ...options }: ScheduleOptions & { batch?: Omit<BatchOptions, 'name'> | undefined },
  ): Promise<ScheduleHandle> {
    const { server, batches } = this.#parts;
    const parsed = checked(name, options);
    const prepared = await batches.prepare(items, { cache: false, ...batch }, `schedule-${name}`);
    try {
      await server.call(() => server.client.schedule.create(this.#temporalOptions(name, parsed, prepared)));
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) throw new ScheduleExistsError(name, { cause: error });
      throw refused(error) ?? fromServer(error, server.place);
    }
    return new ScheduleHandle(server, batches, name);
  }

  /**
   * Replaces the items of a schedule, from its next run on; how they run stays as it is. `batch` says `defaults` and `skipBad`. Throws as `create`
   * does, and ScheduleNotFoundError.
   */
  async update(
    name: string,
    items: BatchItems,
    batch: Pick<BatchOptions, 'defaults' | 'skipBad'> = {},
  ): Promise<ScheduleHandle> {
    const handle = this.get(name);
    await handle.status();
    await handle.replaceItems(await this.#parts.batches.prepare(items, batch, `schedule-${name}`));
    return handle;
  }

  /** A schedule by its name. Whether it exists shows with the first question to it. */
  get(name: string): ScheduleHandle {
    return new ScheduleHandle(this.#parts.server, this.#parts.batches, name);
  }

  /** All schedules. Throws UnreachableServerError. */
  async *list(): AsyncGenerator<ScheduleSummary, void, undefined> {
    const { server } = this.#parts;
    try {
      for await (const { scheduleId, state, info } of server.client.schedule.list()) {
        if (!scheduleId.startsWith(SCHEDULE_PREFIX)) continue;
        yield {
          name: scheduleId.slice(SCHEDULE_PREFIX.length),
          paused: state.paused,
          note: state.note,
          nextRunAt: state.paused ? undefined : info.nextActionTimes[0],
          lastRunAt: info.recentActions.at(-1)?.takenAt,
        };
      }
    } catch (error) {
      throw fromServer(error, server.place);
    }
  }

  #temporalOptions(
    name: string,
    options: ParsedScheduleOptions,
    batch: ScheduledBatchInput['batch'],
  ): TemporalScheduleOptions {
    const { cron, every, timezone, jitter, overlap, catchUp, notify, notifyOn, keepRuns, keepDays, paused } =
      options;
    const series = `${name}-${randomUUID()}`;
    const input: ScheduledBatchInput = {
      schedule: name,
      series,
      batch,
      notify,
      notifyOn,
      keepRuns,
      keepDays,
    };
    return {
      scheduleId: SCHEDULE_PREFIX + name,
      spec: {
        ...(cron.length > 0 && { cronExpressions: cron }),
        ...(every !== undefined && { intervals: [{ every: every as `${number}s` }] }),
        timezone,
        ...(jitter !== undefined && { jitter: jitter as `${number}s` }),
      },
      action: {
        type: 'startWorkflow',
        workflowType: 'scheduledBatch',
        workflowId: SCHEDULE_PREFIX + name,
        taskQueue: this.#parts.taskQueue,
        args: [input],
        staticSummary: `${name}: ${batch.total} items`,
      },
      policies: { overlap: OVERLAP_POLICIES[overlap], catchupWindow: catchUp as `${number}s` },
      state: { paused },
    };
  }
}

function checked(name: string, options: ScheduleOptions): ParsedScheduleOptions {
  const named = ScheduleName.safeParse(name);
  const parsed = ScheduleOptions.safeParse(options, { reportInput: true });
  if (named.success && parsed.success) return parsed.data;
  const faults = [
    ...(named.error?.issues.map(({ message }) => ({ path: 'name', message })) ?? []),
    ...(parsed.error ? specFaults(parsed.error) : []),
  ];
  throw new InvalidSpecError(faults);
}

/** The server alone knows each form of a cron expression and each time zone. */
function refused(error: unknown): InvalidSpecError | undefined {
  // The SDK makes a TypeError of what the server calls an invalid argument.
  if (!(error instanceof TypeError)) return undefined;
  return new InvalidSpecError([{ path: 'when', message: error.message }], { cause: error });
}
