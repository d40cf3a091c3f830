import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { BatchOptions } from '../domain/batch.ts';
import type { BatchInput, BatchResult, BatchState, ParsedBatchOptions } from '../domain/batch.ts';
import { KEYS } from '../domain/search-attributes.ts';
import { specFaults } from '../domain/spec-faults.ts';
import type { BlobRef } from '../domain/blob.ts';
import type { ItemRow } from '../domain/item-row.ts';
import { rowsOfJsonLines } from '../store/json-lines.ts';
import type { Store } from '../store/store.ts';
import { StoreError } from '../store/store-error.ts';
import { BatchHandle } from './batch-handle.ts';
import type { RetryOptions } from './batch-handle.ts';
import { rowsOfCsv } from './batch/csv-rows.ts';
import { rowsOfValues } from './batch/item-rows.ts';
import { writeRetried } from './batch/retry-items.ts';
import { writeItems } from './batch/write-items.ts';
import { InvalidSpecError } from './errors.ts';
import type { Server } from './server.ts';
import { fromServer } from './server-errors.ts';

/** Items of a batch: each a JobSpec with an `id` and perhaps a `group`. */
export type BatchItems =
  /** Rows that the program has at hand, or makes as they are asked for. */
  | { rows: Iterable<unknown> | AsyncIterable<unknown> }
  /** JSON lines, such as a file's stream. */
  | { jsonLines: AsyncIterable<Uint8Array | string> }
  /** CSV with a header; `map` says which column holds a field, such as `{ id: 'task_id', 'tests.code': 'test' }`. */
  | { csv: AsyncIterable<Uint8Array | string>; map?: Record<string, string> | undefined }
  /** Path of a Parquet file; `map` as for CSV. */
  | { parquet: string; map?: Record<string, string> | undefined }
  /** A file in a bucket, such as `s3://bucket/items.jsonl?region=…`: CSV where it ends in `.csv`, else JSON lines. */
  | { url: string; map?: Record<string, string> | undefined }
  /** JSON lines in the store. */
  | { blob: Pick<BlobRef, 'ref'> };

export interface BatchSummary {
  batchId: string;
  state: BatchState;
  startedAt: Date;
  endedAt?: Date | undefined;
}

export interface BatchesParts {
  server: Server;
  store: Store;
  taskQueue: string;
  /** Whether the server knows Assay's search attributes. */
  indexed: Promise<boolean>;
}

const KINDS = ['rows', 'jsonLines', 'csv', 'parquet', 'url', 'blob'];
const STATES: Record<string, BatchState> = { RUNNING: 'running', COMPLETED: 'done', CANCELLED: 'cancelled' };
/** Of what a workflow tells of itself, that which the server cannot know. */
const TOLD: Record<string, readonly unknown[]> = { RUNNING: ['paused'], COMPLETED: ['cancelled', 'stopped'] };

/** Batches on a server. */
export class Batches {
  readonly #parts: BatchesParts;

  constructor(parts: BatchesParts) {
    this.#parts = parts;
  }

  /**
   * Checks all items, puts them into the store and starts the batch. A batch of the same name that runs is given back as it is; one that is over
   * is followed by a new one. Throws InvalidItemsError (with the line of each fault) and InvalidSpecError before anything is started, StoreError,
   * UnreachableServerError.
   */
  async start(items: BatchItems, options: BatchOptions = {}): Promise<BatchHandle> {
    return await this.#start(options, async (batchId, { defaults, skipBad }) =>
      writeItems(await this.#rows(items), this.#parts.store, { batchId, defaults, skipBad }),
    );
  }

  /**
   * Starts a new batch of those items of an earlier one, which is over, that ended with this verdict, or one of these. What is
   * recorded of them does not count, unless `cache` is true.
   * Throws as `start` and `BatchHandle.result` do, and InvalidSpecError where no item is left.
   */
  async retry(batch: string, { only, cache = false, ...options }: RetryOptions): Promise<BatchHandle> {
    const earlier = await this.get(batch).result();
    const verdicts = [only].flat();
    return await this.#start({ ...options, cache }, async (batchId) => {
      const written = await writeRetried(earlier, this.#parts.store, { batchId, only: verdicts });
      if (written.total > 0) return written;
      throw new InvalidSpecError([
        { path: earlier.batchId, message: `has no item whose verdict is ${verdicts.join(' or ')}` },
      ]);
    });
  }

  /** Checks items and puts them into the store, for batches that something else starts. Throws as `start` does. */
  async prepare(
    items: BatchItems,
    options: BatchOptions,
    owner: string,
  ): Promise<Pick<BatchInput, 'items' | 'total' | 'options' | 'indexed'>> {
    const { name: _, defaults, skipBad, ...rest } = parsedOptions(options);
    const { store, indexed } = this.#parts;
    const written = await writeItems(await this.#rows(items), store, { batchId: owner, defaults, skipBad });
    return { ...written, options: rest, indexed: await indexed };
  }

  async #start(
    options: BatchOptions,
    write: (batchId: string, options: ParsedBatchOptions) => Promise<Pick<BatchInput, 'items' | 'total'>>,
  ): Promise<BatchHandle> {
    const { server, store, taskQueue, indexed } = this.#parts;
    const parsed = parsedOptions(options);
    const { name, defaults: _, skipBad: __, ...rest } = parsed;
    const batchId = `batch-${name ?? randomUUID()}`;
    const written = await write(batchId, parsed);
    const input: BatchInput = { batchId, name, ...written, options: rest, indexed: await indexed };
    try {
      await server.call(() =>
        server.client.workflow.start('batchValidation', {
          taskQueue,
          workflowId: batchId,
          args: [input],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: `${name ?? 'batch'}: ${written.total} items`,
          memo: { total: written.total },
          ...(input.indexed && { typedSearchAttributes: [{ key: KEYS.batch, value: batchId }] }),
        }),
      );
      return new BatchHandle({ batches: this, server, store }, batchId, { started: true });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError)
        return new BatchHandle({ batches: this, server, store }, batchId);
      throw fromServer(error, server.place);
    }
  }

  /** Starts a batch and waits for its end. Throws as `start` and `BatchHandle.result` do. */
  async run(items: BatchItems, options: BatchOptions = {}): Promise<BatchResult> {
    return await (await this.start(items, options)).result();
  }

  /** A batch by its id (`batch-<name>`) or name. Whether it exists shows with the first question to it. */
  get(batch: string): BatchHandle {
    const batchId = batch.startsWith('batch-') ? batch : `batch-${batch}`;
    return new BatchHandle({ batches: this, ...this.#parts }, batchId);
  }

  /** Batches, newest first. Throws UnreachableServerError. */
  async *list({ limit = 50 } = {}): AsyncGenerator<BatchSummary, void, undefined> {
    const { server } = this.#parts;
    const found = server.client.workflow.list({ query: "WorkflowType = 'batchValidation'" });
    try {
      let left = limit;
      for await (const { workflowId, status, startTime, closeTime, memo } of found) {
        // A run that went on in a fresh history is no batch of its own.
        if (status.name === 'CONTINUED_AS_NEW') continue;
        if (left-- <= 0) return;
        const told = memo?.['state'];
        const state = TOLD[status.name]?.includes(told) ? (told as BatchState) : STATES[status.name];
        yield { batchId: workflowId, state: state ?? 'broken', startedAt: startTime, endedAt: closeTime };
      }
    } catch (error) {
      throw fromServer(error, server.place);
    }
  }

  async #rows(given: BatchItems): Promise<AsyncIterable<ItemRow>> {
    // A program without types may hand over anything, such as a path.
    const items = Object(given) as BatchItems;
    if ('rows' in items) return rowsOfValues(items.rows);
    if ('csv' in items) return rowsOfCsv(items.csv, items.map);
    if ('parquet' in items)
      return (await import('./batch/parquet-rows.ts')).rowsOfParquet(items.parquet, items.map);
    if ('jsonLines' in items) return rowsOfJsonLines(items.jsonLines);
    if ('url' in items) return await rowsOfUrl(items.url, items.map);
    if (!('blob' in items))
      throw new InvalidSpecError([
        { path: 'items', message: `must be an object with one of ${KINDS.join(', ')}` },
      ]);
    const stream = await this.#parts.store.read(items.blob).catch(refuse(items.blob.ref));
    return rowsOfJsonLines(stream as AsyncIterable<Uint8Array>);
  }
}

async function rowsOfUrl(url: string, map?: Record<string, string>): Promise<AsyncIterable<ItemRow>> {
  const { readUrl } = await import('../store/read-url.ts');
  const stream = (await readUrl(url).catch(refuse(url))) as AsyncIterable<Uint8Array>;
  return /\.csv$/i.test(new URL(url).pathname) ? rowsOfCsv(stream, map) : rowsOfJsonLines(stream);
}

/** What is not there, or no place at all, is for the caller to mend. */
function refuse(path: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof StoreError)) throw error;
    const message = error.code === 'not-found' ? 'is not in the store' : error.message;
    if (error.code !== 'not-found' && error.code !== 'bad-url') throw error;
    throw new InvalidSpecError([{ path, message }], { cause: error });
  };
}

function parsedOptions(options: BatchOptions): ParsedBatchOptions {
  const parsed = BatchOptions.safeParse(options, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new InvalidSpecError(specFaults(parsed.error), { cause: parsed.error });
}
