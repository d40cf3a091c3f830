import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { BatchResult } from '../domain/batch.ts';
import type { BatchOptions, BatchProgress, ItemResult, Segment } from '../domain/batch.ts';
import type { Verdict } from '../domain/job-result.ts';
import { PARTS_A_QUERY } from '../domain/batch-parts.ts';
import type { Language } from '../domain/language.ts';
import { itemLinesOf, resultsOfBlob } from '../store/batch-lines.ts';
import { textOfContent } from '../store/content.ts';
import type { Store } from '../store/store.ts';
import { Ending } from './ending.ts';
import { BatchBrokenError, BatchNotFoundError, BatchOverError } from './errors.ts';
import type { Server } from './server.ts';
import { fromServer, isUnreachable } from './server-errors.ts';

const OUTAGE_MS = 120_000;
const QUERY_TIMEOUT_MS = 5_000;
const UPDATE_TIMEOUT_MS = 20_000;
const NO_WORKER = 'no worker answers for it at the moment';
const POLL_LEAST_MS = 200;
const POLL_MOST_MS = 1_000;

export interface ResultsOptions {
  /** `input`: each as soon as all before it are there. `completion`: each as soon as it is there. Default: input */
  order?: 'input' | 'completion' | undefined;
}

/** An item as it was given. */
export interface BatchItem {
  /** Its place in the input, counted from 0. */
  index: number;
  id: string;
  group?: string | undefined;
  language?: Language | undefined;
  code?: string | undefined;
}

export interface RetryOptions extends Omit<BatchOptions, 'defaults' | 'skipBad'> {
  /** Items that ended with this verdict, or one of these. */
  only: Verdict | readonly Verdict[];
}

/** What starts batches anew. */
export interface Retrier {
  retry(batch: string, options: RetryOptions): Promise<BatchHandle>;
}

/** A batch on the server, running or over. */
export class BatchHandle {
  readonly batchId: string;
  /** Whether this call started the batch, or found it running by its name. */
  readonly started: boolean;
  readonly #batches: Retrier;
  readonly #server: Server;
  readonly #store: Store;
  readonly #handle: WorkflowHandle;

  constructor(
    { batches, server, store }: { batches: Retrier; server: Server; store: Store },
    batchId: string,
    { started = false } = {},
  ) {
    this.batchId = batchId;
    this.started = started;
    this.#batches = batches;
    this.#server = server;
    this.#store = store;
    this.#handle = server.client.workflow.getHandle(batchId);
  }

  /** Waits for the end. Throws BatchNotFoundError, BatchBrokenError, UnreachableServerError. A server that restarts meanwhile is waited for. */
  async result(): Promise<BatchResult> {
    let outageEndsAt: number | undefined;
    for (;;) {
      try {
        return BatchResult.parse(await this.#server.call(() => this.#handle.result()));
      } catch (error) {
        if (!isUnreachable(error)) throw this.#errorOf(error);
        outageEndsAt ??= Date.now() + OUTAGE_MS;
        if (Date.now() > outageEndsAt) throw this.#errorOf(error);
        await sleep(POLL_MOST_MS);
      }
    }
  }

  /** How far it is. Throws as `result` does. */
  async progress(): Promise<BatchProgress> {
    const { status } = await this.#call(() => this.#handle.describe());
    if (status.name === 'COMPLETED') return progressOfResult(await this.result());
    if (status.name !== 'RUNNING')
      throw new BatchBrokenError(this.batchId, `it is ${status.name.toLowerCase()}`);
    const progress = await this.#query<BatchProgress>('progress');
    if (progress) return progress;
    throw new BatchBrokenError(this.batchId, NO_WORKER);
  }

  /** Its progress as it changes, the last one that of its end. Throws as `result` does. */
  async *watch(): AsyncGenerator<BatchProgress, void, undefined> {
    const end = this.result();
    const ending = new Ending(end);
    let told = '';
    for (let waitMs = POLL_LEAST_MS; ; waitMs = Math.min(waitMs * 1.5, POLL_MOST_MS)) {
      await ending.pause(waitMs);
      if (ending.over) return yield progressOfResult(await end);
      const progress = await ending.before(this.#query<BatchProgress>('progress'));
      const key = JSON.stringify([progress?.done, progress?.state, progress?.concurrency]);
      if (!progress || key === told) continue;
      told = key;
      yield progress;
    }
  }

  /** The results, as they come while it runs; of a broken one those that are there, before it throws. Throws as `result` does, and StoreError. */
  async *results({ order = 'input' }: ResultsOptions = {}): AsyncGenerator<ItemResult, void, undefined> {
    const end = this.result();
    const ending = new Ending(end);
    const given = new Set<number>();
    const early = new Map<number, ItemResult>();
    let next = 0;
    let since = 0;
    for (;;) {
      const parts = (await ending.before(this.#query<Segment[]>('parts', since))) ?? [];
      if (ending.over) break;
      since += parts.length;
      for await (const result of this.#resultsOf(parts)) {
        if (order === 'completion') {
          if (given.has(result.index)) continue;
          given.add(result.index);
          yield result;
          continue;
        }
        early.set(result.index, result);
        for (let ready = early.get(next); ready; ready = early.get(next)) {
          early.delete(next);
          next += 1;
          yield ready;
        }
      }
      // Where there are more, the answer was full.
      if (parts.length === PARTS_A_QUERY) continue;
      await ending.pause(POLL_LEAST_MS);
    }
    const isNew = ({ index }: ItemResult): boolean =>
      order === 'completion' ? !given.has(index) : index >= next;
    const ended = await end.catch((error: unknown) => ({ error }));
    if ('error' in ended) {
      for await (const result of this.#recorded(since, early)) if (isNew(result)) yield result;
      throw ended.error;
    }
    early.clear();
    for await (const result of resultsOfBlob(ended.results, this.#store)) if (isNew(result)) yield result;
  }

  async *#resultsOf(parts: Segment[]): AsyncGenerator<ItemResult, void, undefined> {
    for (const { blob } of parts) yield* resultsOfBlob(blob, this.#store);
  }

  /** What a batch that gives no answer has recorded beside these, from this part on, in the order of the input. */
  async *#recorded(
    from: number,
    found: Map<number, ItemResult>,
  ): AsyncGenerator<ItemResult, void, undefined> {
    for (let since = from; ;) {
      const parts = (await this.#query<Segment[]>('parts', since)) ?? [];
      for await (const result of this.#resultsOf(parts))
        if (!found.has(result.index)) found.set(result.index, result);
      since += parts.length;
      if (parts.length < PARTS_A_QUERY) break;
    }
    yield* [...found.values()].toSorted((a, b) => a.index - b.index);
  }

  /**
   * Its items in the order of the input, with their code as a text; `code` is absent where the item is no valid job. Waits for the end, as the
   * items are named by the result. Throws as `results` does.
   */
  async *items(): AsyncGenerator<BatchItem, void, undefined> {
    const { items } = await this.result();
    for await (const { index, id, group, job } of itemLinesOf(items, this.#store)) {
      const code = job && (await textOfContent(job.code, this.#store));
      yield { index, id, group, language: job?.language, code };
    }
  }

  /** Asks it to stop: items at work are stopped, what is there is published. One that is over stays as it is. Throws BatchNotFoundError. */
  async cancel(): Promise<void> {
    try {
      await this.#server.call(() => this.#handle.cancel());
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw this.#errorOf(error);
      await this.#call(() => this.#handle.describe());
    }
  }

  /** No further shard begins; those at work end. Throws BatchNotFoundError, BatchOverError, and BatchBrokenError where no worker answers. */
  async pause(): Promise<void> {
    await this.#update('pause');
  }

  /** Goes on with one that is paused. Throws as `pause` does. */
  async resume(): Promise<void> {
    await this.#update('resume');
  }

  /** Shards at work at once from now on, 1 to 500. Throws as `pause` does, and RangeError. */
  async setConcurrency(concurrency: number): Promise<void> {
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 500)
      throw new RangeError('the concurrency is a whole number from 1 to 500');
    await this.#update('setConcurrency', concurrency);
  }

  /** Starts a new batch of some of its items, as `batches.retry` does; waits for its end before. Throws as that does. */
  async retry(options: RetryOptions): Promise<BatchHandle> {
    return await this.#batches.retry(this.batchId, options);
  }

  async #update(name: string, ...args: unknown[]): Promise<void> {
    try {
      const { connection } = this.#server.client;
      await this.#server.call(() =>
        connection.withDeadline(Date.now() + UPDATE_TIMEOUT_MS, () =>
          this.#handle.executeUpdate(name, { args } as { args: [unknown] }),
        ),
      );
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
        throw new BatchBrokenError(this.batchId, NO_WORKER, { cause: error });
      if (!(error instanceof WorkflowNotFoundError)) throw this.#errorOf(error);
      await this.#call(() => this.#handle.describe());
      throw new BatchOverError(this.batchId, { cause: error });
    }
  }

  async #query<T>(name: string, ...args: unknown[]): Promise<T | undefined> {
    try {
      const { connection } = this.#server.client;
      return await this.#server.call(() =>
        connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
          this.#handle.query<T, unknown[]>(name, ...args),
        ),
      );
    } catch {
      return undefined;
    }
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#server.call(work);
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  #errorOf(error: unknown): unknown {
    const { batchId } = this;
    const options = { cause: error };
    if (error instanceof WorkflowNotFoundError) return new BatchNotFoundError(batchId, options);
    if (error instanceof WorkflowFailedError)
      return new BatchBrokenError(batchId, error.cause?.message ?? error.message, options);
    return fromServer(error, this.#server.place);
  }
}

function progressOfResult(result: BatchResult): BatchProgress {
  const { batchId, name, state, total, done, counts, startedAt, durationMs } = result;
  return {
    batchId,
    name,
    state,
    total,
    done,
    counts,
    failures: [],
    startedAt,
    elapsedMs: durationMs,
    concurrency: 0,
  };
}
