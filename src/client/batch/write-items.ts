import { z } from 'zod';
import type { BatchIndex, ItemLine, Segment } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { JobInput } from '../../domain/job-input.ts';
import { specFaults } from '../../domain/spec-faults.ts';
import type { SpecFault } from '../../domain/spec-faults.ts';
import type { Store } from '../../store/store.ts';
import { InvalidItemsError, InvalidSpecError } from '../errors.ts';
import type { ItemFault } from '../errors.ts';
import { parseSpec, prepareJob } from '../prepare-job.ts';
import { IdTable } from './id-table.ts';
import type { ItemRow } from './item-rows.ts';

const SEGMENT_ITEMS = 1_000;
const SEGMENT_CHARS = 4 * 1024 * 1024;
/** Faults that are kept to be told; the others are only counted. */
const FAULTS_KEPT = 1_000;
/** Fields of a spec that are objects: an item may say one of their fields and leave the others to the defaults. */
const MERGED = ['limits', 'retry', 'validate', 'labels'];

const ItemHead = z.object({
  id: z.string().min(1, 'must not be empty').max(500, 'must have at most 500 characters'),
  group: z.string().max(500).optional(),
});

export interface WriteItemsOptions {
  batchId: string;
  defaults: Record<string, unknown>;
  skipBad: boolean;
}

/**
 * Checks every item and puts it into the store, with flat memory. Nothing is started here; throws InvalidItemsError with the line of each
 * fault after all lines were looked at, and StoreError.
 */
export async function writeItems(
  rows: AsyncIterable<ItemRow>,
  store: Store,
  { batchId, defaults, skipBad }: WriteItemsOptions,
): Promise<{ items: BlobRef; total: number }> {
  const ids = new IdTable();
  const faults: ItemFault[] = [];
  let faulty = 0;
  const segments = new SegmentWriter(store);
  for await (const row of rows) {
    const { id, group, found } = headOf(row);
    const before = id === undefined ? undefined : ids.add(id, row.line);
    if (before !== undefined) found.push({ path: 'id', message: `${id} is that of line ${before} too` });
    const job = found.length === 0 ? await jobOf(row, `${batchId}/${id}`, defaults, store) : undefined;
    if (job && 'faults' in job) found.push(...job.faults);
    // The same id twice cannot be recorded as two items.
    if (found.length > 0 && (!skipBad || before !== undefined)) {
      faulty += 1;
      if (faults.length < FAULTS_KEPT)
        faults.push(...found.map((fault) => ({ line: row.line, ...(id !== undefined && { id }), ...fault })));
    }
    const line = { id: id ?? `line ${row.line}`, ...(group !== undefined && { group }) };
    await segments.add(found.length === 0 ? { ...line, job: job as JobInput } : { ...line, faults: found });
  }
  if (faulty > 0) throw new InvalidItemsError(faults, faulty);
  return await segments.end();
}

function headOf({ value, fault }: ItemRow): { id?: string; group?: string | undefined; found: SpecFault[] } {
  if (fault !== undefined) return { found: [{ path: '', message: fault }] };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { found: [{ path: '', message: 'must be a JSON object' }] };
  const head = ItemHead.safeParse(value, { reportInput: true });
  return head.success ? { ...head.data, found: [] } : { found: specFaults(head.error) };
}

async function jobOf(
  { value }: ItemRow,
  jobId: string,
  defaults: Record<string, unknown>,
  store: Store,
): Promise<JobInput | { faults: SpecFault[] }> {
  const { id: _, group: __, ...own } = value as Record<string, unknown>;
  try {
    const spec = parseSpec(onceUnlessSaid(merged(defaults, own)));
    return await prepareJob(spec, store, { jobId, indexed: false });
  } catch (error) {
    if (error instanceof InvalidSpecError) return { faults: [...error.faults] };
    throw error;
  }
}

function merged(defaults: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const all = { ...defaults, ...own };
  for (const name of MERGED)
    if (isObject(defaults[name]) && isObject(own[name])) all[name] = { ...defaults[name], ...own[name] };
  return all;
}

/** In a batch an item is tried once unless it says otherwise. */
function onceUnlessSaid(spec: Record<string, unknown>): Record<string, unknown> {
  if (spec['retry'] !== undefined && !isObject(spec['retry'])) return spec;
  return { ...spec, retry: { maxAttempts: 1, ...(spec['retry'] as object | undefined) } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class SegmentWriter {
  readonly #store: Store;
  readonly #segments: Segment[] = [];
  #lines: string[] = [];
  #chars = 0;
  #total = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async add(item: Omit<ItemLine, 'index'>): Promise<void> {
    const line = JSON.stringify({ index: this.#total, ...item });
    this.#total += 1;
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#lines.length >= SEGMENT_ITEMS || this.#chars >= SEGMENT_CHARS) await this.#flush();
  }

  async end(): Promise<{ items: BlobRef; total: number }> {
    await this.#flush();
    const index: BatchIndex = { total: this.#total, segments: this.#segments };
    return { items: await this.#store.put(JSON.stringify(index)), total: this.#total };
  }

  async #flush(): Promise<void> {
    const count = this.#lines.length;
    if (count === 0) return;
    const blob = await this.#store.put(`${this.#lines.join('\n')}\n`);
    this.#segments.push({ blob, from: this.#total - count, count });
    this.#lines = [];
    this.#chars = 0;
  }
}
