import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchActivities, BatchInput, BatchResult, ItemRange } from '../domain/batch.ts';
import { PARTS_A_QUERY } from '../domain/batch-parts.ts';
import { batchActivities } from './batch-activities.ts';
import { BatchRecord } from './batch-record.ts';
import { partsQuery, pauseUpdate, progressQuery, resumeUpdate, setConcurrencyUpdate } from './messages.ts';

/** A history as long as this goes on in a fresh one, events. */
const MOST_EVENTS = 4_000;
/** What a shard may add to the history: that it is scheduled, its start, its end, and a task that hears of it. */
const EVENTS_A_SHARD = 6;
/** A shard that has worked so long hands back what it has not begun, in ms. */
const SOFT_LIMIT_MS = 4_000;
/** As long as no result is there: the first comes soon, and tells how long an item takes. */
const FIRST_SOFT_LIMIT_MS = 500;

/** A batch: runs its items in shards, so many at once, and answers with one recorded verdict each. */
export async function batchValidation(input: BatchInput): Promise<BatchResult> {
  const record = new BatchRecord(input);
  const story = new BatchStory(record, batchActivities(input, workflowInfo().taskQueue));
  setHandler(progressQuery, () => record.progress());
  setHandler(partsQuery, (since) => record.parts.slice(since, since + PARTS_A_QUERY));
  setHandler(pauseUpdate, () => story.pause(true));
  setHandler(resumeUpdate, () => story.pause(false));
  setHandler(setConcurrencyUpdate, (concurrency) => story.setConcurrency(concurrency), {
    validator: (concurrency) => {
      if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 500)
        throw new RangeError('the concurrency is a whole number from 1 to 500');
    },
  });

  const end = await story.run();
  if (end === 'history-full') {
    await condition(allHandlersFinished);
    return await continueAsNew<typeof batchValidation>({ ...input, carried: record.carried() });
  }
  return record.result(end, await CancellationScope.nonCancellable(() => story.publish()));
}

type End = BatchResult['state'] | 'history-full';

/** The verbs of a batch. */
class BatchStory {
  readonly #record: BatchRecord;
  readonly #activities: BatchActivities;
  readonly #shards = new CancellationScope();
  /** Whether the history is to hold what the shards at work will add; in batches of earlier versions it may not. */
  readonly #foresees = patched('shards-at-work-count');
  #running = 0;
  #settled = 0;
  #failure: unknown;
  #cancelled = false;

  constructor(record: BatchRecord, activities: BatchActivities) {
    this.#record = record;
    this.#activities = activities;
    CancellationScope.current().cancelRequested.catch(() => {
      this.#cancelled = true;
      this.#settled += 1;
    });
  }

  get #toldToStop(): boolean {
    return this.#cancelled || this.#record.failedFast;
  }

  /** Whether no further shard has room in the history. */
  get #full(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    const coming = this.#foresees ? this.#running * EVENTS_A_SHARD : 0;
    return historyLength + coming > MOST_EVENTS || continueAsNewSuggested;
  }

  pause(paused: boolean): void {
    this.#record.pause(paused);
    this.#settled += 1;
  }

  setConcurrency(concurrency: number): void {
    this.#record.concurrency = concurrency;
    this.#settled += 1;
  }

  /** Runs shards until nothing is left, or something says stop. What runs then is waited for. */
  async run(): Promise<End> {
    const record = this.#record;
    record.show();
    return await CancellationScope.nonCancellable(async () => {
      for (;;) {
        const stopping = this.#toldToStop || this.#failure !== undefined;
        if (record.failedFast) this.#shards.cancel();
        while (
          !stopping &&
          !this.#full &&
          !record.paused &&
          record.left > 0 &&
          this.#running < record.concurrency
        )
          this.#start(record.take(this.#running));
        if (this.#running === 0) {
          if (this.#failure !== undefined) throw this.#failure;
          if (record.left === 0) return 'done';
          if (this.#cancelled) return 'cancelled';
          if (stopping) return 'stopped';
          if (this.#full) return 'history-full';
        }
        const seen = this.#settled;
        await condition(() => this.#settled !== seen);
      }
    });
  }

  async publish() {
    const { parts, startedAt } = this.#record;
    const { batchId, owning, series } = this.#record.input;
    const run = series === undefined ? undefined : { series, startedAt };
    return await this.#activities.publishBatch({ batchId, parts, owning, run });
  }

  #start(ranges: ItemRange[]): void {
    const { batchId, items, options, owning } = this.#record.input;
    const { isolation, attempts, cache } = options;
    this.#running += 1;
    const softLimitMs = this.#record.done === 0 ? FIRST_SOFT_LIMIT_MS : SOFT_LIMIT_MS;
    const input = { batchId, items, ranges, isolation, attempts, cache, softLimitMs, owning };
    void this.#shards
      .run(() => this.#activities.runShard(input))
      .then((outcome) => this.#record.add(outcome))
      .catch((error: unknown) => {
        this.#record.giveBack(ranges);
        // One that was stopped before it began has done nothing, and one whose worker died meanwhile cannot say what it did.
        if (!isCancellation(error) && !this.#toldToStop) this.#failure ??= error;
      })
      .finally(() => {
        this.#running -= 1;
        this.#settled += 1;
      });
  }
}
