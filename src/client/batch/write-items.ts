import { z } from 'zod';
import type { BatchIndex, ItemLine, Segment } from '../../domain/batch.ts';
import type { BlobRef } from '../../domain/blob.ts';
import type { JobInput } from '../../domain/job-input.ts';
import type { ParsedJobSpec } from '../../domain/job-spec.ts';
import { specFaults } from '../../domain/spec-faults.ts';
import type { SpecFault } from '../../domain/spec-faults.ts';
import type { Store } from '../../store/store.ts';
import { InvalidItemsError, InvalidSpecError } from '../errors.ts';
import type { ItemFault } from '../errors.ts';
import { parseSpec, prepareJob } from '../prepare-job.ts';
import { IdTable } from './id-table.ts';
import type { ItemRow } from '../../domain/item-row.ts';

const SEGMENT_ITEMS = 1_000;
const SEGMENT_CHARS = 4 * 1024 * 1024;
/** Faults that are kept to be told; the others are only counted. */
const FAULTS_KEPT = 10_000;
/** Fields of a spec that are objects: an item may say one of their fields and leave the others to the defaults. */
const MERGED = ['limits', 'retry', 'validate', 'labels', 'tests'];

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
  const usual = new UsualFaults(defaults);
  let faulty = 0;
  const segments = new SegmentWriter(store);
  for await (const row of rows) {
    const { id, group, found } = headOf(row);
    const before = id === undefined ? undefined : ids.add(id, row.line);
    if (before !== undefined) found.push({ path: 'id', message: `${id} is that of line ${before} too` });
    const spec = isObject(row.value) ? specOf(row.value, defaults) : undefined;
    if (spec && 'faults' in spec) found.push(...spec.faults);
    const job =
      spec && 'spec' in spec && found.length === 0
        ? await jobOf(spec.spec, `${batchId}/${id}`, store)
        : undefined;
    if (job && 'faults' in job) found.push(...job.faults);
    // The same id twice cannot be recorded as two items.
    if (found.length > 0 && (!skipBad || before !== undefined)) {
      faulty += 1;
      if (faults.length < FAULTS_KEPT)
        faults.push(
          ...usual
            .told(found, row.value)
            .map((fault) => ({ line: row.line, ...(id !== undefined && { id }), ...fault })),
        );
    }
    // What is refused anyway is looked through, but not kept.
    if (faulty > 0) continue;
    const line = { id: id ?? `line ${row.line}`, ...(group !== undefined && { group }) };
    await segments.add(found.length === 0 ? { ...line, job: job as JobInput } : { ...line, faults: found });
  }
  if (faulty > 0) throw new InvalidItemsError(faults, faulty);
  if (segments.total === 0) throw new InvalidSpecError([{ path: 'items', message: 'there are none' }]);
  return await segments.end();
}

/** Faults of the defaults are faults of every item: each is told once, by its own name. */
class UsualFaults {
  readonly #defaults: Record<string, unknown>;
  readonly #told = new Set<string>();

  constructor(defaults: Record<string, unknown>) {
    this.#defaults = defaults;
  }

  told(faults: SpecFault[], row: unknown): SpecFault[] {
    return faults.flatMap((fault) => {
      if (!has(this.#defaults, fault.path) || has(row, fault.path)) return [fault];
      const path = `defaults.${fault.path}`;
      if (this.#told.has(path)) return [];
      this.#told.add(path);
      return [{ ...fault, path }];
    });
  }
}

/** Whether a value has something at a path such as `limits.timeoutMs`. */
function has(value: unknown, path: string): boolean {
  if (path === '') return false;
  let at = value;
  for (const part of path.split('.')) {
    if (!isObject(at) || !Object.hasOwn(at, part)) return false;
    at = at[part];
  }
  return true;
}

function headOf({ value, fault }: ItemRow): { id?: string; group?: string | undefined; found: SpecFault[] } {
  if (fault !== undefined) return { found: [{ path: '', message: fault }] };
  if (!isObject(value)) {
    const hint = Array.isArray(value) ? ', not an array: each line holds one item' : '';
    return { found: [{ path: '', message: `must be a JSON object${hint}` }] };
  }
  const head = ItemHead.safeParse(value, { reportInput: true });
  if (head.success) return { ...head.data, found: [] };
  // A fault of the group is one of this item all the same.
  const { data: id } = ItemHead.shape.id.safeParse(value['id']);
  return { ...(id !== undefined && { id }), found: specFaults(head.error) };
}

function specOf(
  row: Record<string, unknown>,
  defaults: Record<string, unknown>,
): { spec: ParsedJobSpec } | { faults: SpecFault[] } {
  const { id: _, group: __, ...own } = row;
  try {
    return { spec: parseSpec(onceUnlessSaid(merged(defaults, own))) };
  } catch (error) {
    return faultsOf(error);
  }
}

async function jobOf(
  spec: ParsedJobSpec,
  jobId: string,
  store: Store,
): Promise<JobInput | { faults: SpecFault[] }> {
  try {
    return await prepareJob(spec, store, { jobId, indexed: false });
  } catch (error) {
    return faultsOf(error);
  }
}

function faultsOf(error: unknown): { faults: SpecFault[] } {
  if (error instanceof InvalidSpecError) return { faults: [...error.faults] };
  throw error;
}

function merged(defaults: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const all = { ...defaults, ...own };
  for (const name of MERGED) {
    const [usual, said] = [defaults[name], own[name]];
    // Tests of another kind have other fields.
    if (name === 'tests' && isObject(said) && said['kind'] !== undefined) continue;
    if (isObject(usual) && isObject(said)) all[name] = { ...usual, ...said };
  }
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

/** Items on their way into the store, a segment at a time. */
export class SegmentWriter {
  readonly #store: Store;
  readonly #segments: Segment[] = [];
  #lines: string[] = [];
  #chars = 0;
  #total = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get total(): number {
    return this.#total;
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
