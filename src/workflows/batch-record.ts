import { patched, setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import type {
  BatchCarried,
  BatchInput,
  BatchProgress,
  BatchResult,
  Counts,
  Failure,
  ItemRange,
  Published,
  Segment,
  ShardOutcome,
} from '../domain/batch.ts';
import { batchDetails } from './batch-details.ts';
import { Workers } from './batch-workers.ts';

const FAILURES_KEPT = 10;
const RATE_OVER_SHARDS = 20;
/** The first shards are small: they tell how long an item takes. */
const FIRST_SHARD_ITEMS = 8;
const MOST_SHARD_ITEMS = 4_000;
/** Other batches wait about so long for a turn. */
const SHARD_TARGET_MS = 2_000;
const MOST_GROWTH = 4;

/** What a batch has come to so far, and what is left of it. */
export class BatchRecord {
  readonly input: BatchInput;
  readonly parts: Segment[];
  paused: boolean;
  state: BatchProgress['state'] = 'running';
  readonly #todo: ItemRange[];
  readonly #counts: Counts;
  readonly #startedAtMs: number;
  readonly #workers: Workers;
  /** Shards at work at once, where somebody has said it. */
  #asked: number | undefined;
  #failures: Failure[];
  #shardItems: number;
  /** What the list of batches shows of it; absent in batches of earlier versions, which do not tell. */
  #listed: BatchProgress['state'] | undefined = patched('state-in-memo') ? 'running' : undefined;
  /** Where the rate is counted from, then the last shards. */
  #recent = [{ atMs: Date.now(), items: 0 }];

  constructor(input: BatchInput) {
    const { carried, options, total } = input;
    this.input = input;
    this.#asked = carried?.concurrency ?? options.concurrency;
    this.#workers = new Workers(carried?.workers);
    this.paused = carried?.paused ?? false;
    this.parts = carried?.parts ?? [];
    this.#todo = carried?.todo ?? (total > 0 ? [[0, total]] : []);
    this.#counts = carried?.counts ?? { passed: 0, failed: 0, rejected: 0, error: 0, cached: 0, flaky: 0 };
    this.#failures = carried?.failures ?? [];
    this.#shardItems = carried?.shardItems ?? FIRST_SHARD_ITEMS;
    this.#startedAtMs = carried?.startedAtMs ?? Date.now();
  }

  get concurrency(): number {
    return this.#asked ?? this.#workers.fill();
  }

  set concurrency(asked: number) {
    this.#asked = asked;
  }

  get left(): number {
    return this.#todo.reduce((sum, [from, to]) => sum + to - from, 0);
  }

  get done(): number {
    const { passed, failed, rejected, error } = this.#counts;
    return passed + failed + rejected + error;
  }

  /** Whether so many items did not pass that the batch is to stop. */
  get failedFast(): boolean {
    const { failFast } = this.input.options;
    return failFast !== undefined && this.done - this.#counts.passed >= failFast;
  }

  /**
   * The next shard's items, where so many shards are at work. Towards the end shards get smaller, so that none is waited for alone; a small
   * batch is split evenly at its start, since each further shard waits for its turn again.
   */
  take(running: number): ItemRange[] {
    const among = this.done === 0 ? this.concurrency - running : this.concurrency;
    const most = Math.max(1, Math.min(this.#shardItems, Math.ceil(this.left / among)));
    const taken: ItemRange[] = [];
    for (let free = most; free > 0 && this.#todo.length > 0;) {
      const [from, to] = this.#todo[0] as ItemRange;
      const end = Math.min(to, from + free);
      taken.push([from, end]);
      free -= end - from;
      if (end === to) this.#todo.shift();
      else this.#todo[0] = [end, to];
    }
    return taken;
  }

  /** Begins no further shard, or goes on. The time of a pause is no part of the rate. */
  pause(paused: boolean): void {
    if (this.paused && !paused) this.#recent = [{ atMs: Date.now(), items: 0 }];
    this.paused = paused;
    this.show();
  }

  /** Items that a shard has taken and of which it has recorded nothing. */
  giveBack(ranges: ItemRange[]): void {
    this.#todo.unshift(...ranges);
  }

  add({ parts, counts, failures, left, busyMs, worker }: ShardOutcome): void {
    this.#workers.seen(worker);
    const items = parts.reduce((sum, { count }) => sum + count, 0);
    this.parts.push(...parts);
    for (const key of Object.keys(counts) as (keyof Counts)[]) this.#counts[key] += counts[key];
    this.#failures = [...failures, ...this.#failures].slice(0, FAILURES_KEPT);
    this.giveBack(left);
    if (items > 0) {
      const fitting = Math.round(SHARD_TARGET_MS / Math.max(busyMs / items, 0.1));
      this.#shardItems = Math.max(1, Math.min(fitting, this.#shardItems * MOST_GROWTH, MOST_SHARD_ITEMS));
      this.#recent = [...this.#recent, { atMs: Date.now(), items }].slice(-RATE_OVER_SHARDS - 1);
    }
    this.show();
  }

  progress(): BatchProgress {
    const { batchId, name, total } = this.input;
    const itemsPerSecond = this.#rate();
    return {
      ...{ batchId, name, total },
      state: this.state === 'running' && this.paused ? 'paused' : this.state,
      done: this.done,
      counts: { ...this.#counts },
      failures: this.#failures,
      startedAt: this.startedAt,
      elapsedMs: Date.now() - this.#startedAtMs,
      ...(itemsPerSecond !== undefined && { itemsPerSecond }),
      concurrency: this.concurrency,
    };
  }

  get startedAt(): string {
    return new Date(this.#startedAtMs).toISOString();
  }

  result(state: BatchResult['state'], { results, parquet }: Published): BatchResult {
    this.state = state;
    this.show();
    const { batchId, name, total, items } = this.input;
    return {
      schemaVersion: 1,
      ...{ batchId, name, state, total },
      done: this.done,
      counts: { ...this.#counts },
      startedAt: this.startedAt,
      durationMs: Date.now() - this.#startedAtMs,
      ...{ results, parquet, items },
    };
  }

  carried(): BatchCarried {
    return {
      startedAtMs: this.#startedAtMs,
      todo: this.#todo,
      parts: this.parts,
      counts: this.#counts,
      failures: this.#failures,
      shardItems: this.#shardItems,
      paused: this.paused,
      concurrency: this.#asked,
      workers: this.#workers.all,
    };
  }

  show(): void {
    const progress = this.progress();
    setCurrentDetails(batchDetails(progress));
    const { state } = progress;
    if (this.#listed === undefined || this.#listed === state) return;
    this.#listed = state;
    upsertMemo({ state });
  }

  #rate(): number | undefined {
    const [from, ...shards] = this.#recent;
    if (!from || shards.length === 0) return undefined;
    const items = shards.reduce((sum, shard) => sum + shard.items, 0);
    return Math.round((items / Math.max(Date.now() - from.atMs, 1)) * 10_000) / 10;
  }
}
