import { z } from 'zod';
import { BlobRef } from './blob.ts';
import type { JobInput } from './job-input.ts';
import { JobResult, VERDICTS } from './job-result.ts';
import type { SpecFault } from './spec-faults.ts';

/** Whether an item gets a fresh sandbox, or shares one with the items before and after it, never at the same time. */
export const ISOLATIONS = ['shard', 'item'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

const count = z.number().int().min(0);

/** How a batch runs: what may be said besides its items. */
export const BatchOptions = z.strictObject({
  name: z
    .string()
    .regex(/^[\w][\w.-]{0,99}$/, 'use at most 100 letters, digits and . _ -')
    .optional()
    .describe(
      'The same name is the same batch while it runs. Default: none; the batch gets an id from the time',
    ),
  defaults: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      'Fields of a JobSpec for every item; an item says otherwise by naming the field. Default: none',
    ),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe('Shards at work at once. Default: 1.5 for each that the workers have room for'),
  isolation: z
    .enum(ISOLATIONS)
    .default('shard')
    .describe(
      '`item`: a fresh sandbox for each item. Default: shard, items one after the other in a warm sandbox',
    ),
  failFast: count
    .min(1)
    .optional()
    .describe('Stop after so many items that did not pass. Default: none; all items run'),
  attempts: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('How often each item runs; verdicts that disagree make it flaky. Default: 1'),
  priority: z.number().int().min(1).max(5).default(3).describe('1 goes first, 5 last. Default: 3'),
  cache: z
    .boolean()
    .default(true)
    .describe(
      'Whether recorded verdicts of the same code, tests, limits, template and version count. Default: true',
    ),
  skipBad: z
    .boolean()
    .default(false)
    .describe(
      'Record items that are no valid JobSpec as `error` instead of refusing the batch. Default: false',
    ),
});
export type BatchOptions = z.input<typeof BatchOptions>;
export type ParsedBatchOptions = z.output<typeof BatchOptions>;

/** One line of a segment in the store: an item as a shard reads it, by its place in the input, counted from 0. */
export interface ItemLine {
  index: number;
  id: string;
  /** Samples of the same task share it: for pass@k. */
  group?: string | undefined;
  /** Absent where the item is no valid JobSpec and `skipBad` was said. */
  job?: JobInput | undefined;
  faults?: SpecFault[] | undefined;
}

/** A blob of JSON lines, one ItemLine or ItemResult each. */
export const Segment = z.object({
  blob: BlobRef,
  /** Place of the first item, where the lines are in the order of the input. */
  from: count,
  count,
});
export type Segment = z.infer<typeof Segment>;

/** All items of a batch, in the store: a blob of this as JSON is what the workflow carries. */
export const BatchIndex = z.object({ total: count, segments: z.array(Segment) });
export type BatchIndex = z.infer<typeof BatchIndex>;

/** Places from `from` up to but not including `to`. */
export type ItemRange = [from: number, to: number];

/** One item's result: a JobResult with what the batch adds. One line of the results. */
export const ItemResult = JobResult.extend({
  id: z.string(),
  index: count.describe('Its place in the input, counted from 0'),
  group: z.string().optional(),
  cached: z.boolean().optional().describe('Recorded by an earlier run of the same code and tests'),
  flaky: z
    .object({ runs: count, verdicts: z.partialRecord(z.enum(VERDICTS), count) })
    .optional()
    .describe('Present where several runs of the item did not agree'),
});
export type ItemResult = z.infer<typeof ItemResult>;

export const Counts = z.object({
  passed: count,
  failed: count,
  rejected: count,
  error: count,
  cached: count.describe('Of all of these, how many came from the cache'),
  flaky: count.describe('Of all of these, how many had runs that did not agree'),
});
export type Counts = z.infer<typeof Counts>;

/** An item that did not pass, in short. */
export const Failure = z.object({ id: z.string(), verdict: z.enum(VERDICTS), sentence: z.string() });
export type Failure = z.infer<typeof Failure>;

export const BATCH_STATES = ['running', 'paused', 'done', 'cancelled', 'stopped', 'broken'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** What a batch tells of itself. `stopped`: by `failFast`. `broken`: its workflow failed or was terminated from outside. */
export interface BatchProgress {
  batchId: string;
  name?: string | undefined;
  state: BatchState;
  total: number;
  done: number;
  counts: Counts;
  /** The last ones that did not pass, newest first, at most 10. */
  failures: Failure[];
  /** ISO 8601, UTC. */
  startedAt: string;
  elapsedMs: number;
  /** Of the last shards. Absent before the first has ended. */
  itemsPerSecond?: number | undefined;
  concurrency: number;
}

/** What a batch came to. */
export const BatchResult = z.object({
  schemaVersion: z.literal(1).default(1),
  batchId: z.string(),
  name: z.string().optional(),
  state: z.enum(['done', 'cancelled', 'stopped']),
  total: count,
  done: count,
  counts: Counts,
  startedAt: z.string().describe('ISO 8601, UTC'),
  durationMs: z.number().min(0),
  results: BlobRef.describe(
    'One ItemResult a line, in the order of the input; items that never ran are absent',
  ),
  parquet: BlobRef.optional().describe(
    'The same as Apache Parquet, a row an item. Absent in batches of earlier versions',
  ),
  items: BlobRef.describe('The items, as a BatchIndex'),
});
export type BatchResult = z.infer<typeof BatchResult>;

/** What the workflow is started with. */
export interface BatchInput {
  batchId: string;
  name?: string | undefined;
  items: BlobRef;
  total: number;
  options: Omit<ParsedBatchOptions, 'name' | 'defaults' | 'skipBad'>;
  /** Whether the server knows Assay's search attributes. */
  indexed: boolean;
  /** Whether the batch owns what it puts into the store, under its id. */
  owning?: boolean | undefined;
  /** The schedule whose run it is, as the notes of its runs name it. */
  series?: string | undefined;
  /** What an earlier run of the same workflow hands on. */
  carried?: BatchCarried | undefined;
}

export interface BatchCarried {
  startedAtMs: number;
  todo: ItemRange[];
  parts: Segment[];
  counts: Counts;
  failures: Failure[];
  shardItems: number;
  paused: boolean;
  /** Absent where nobody has said it. */
  concurrency?: number | undefined;
  workers?: ShardWorker[] | undefined;
}

/** A worker that takes shards. */
export interface ShardWorker {
  id: string;
  /** How many it runs at once. */
  shards: number;
}

export interface RunShardInput {
  batchId: string;
  /** The BatchIndex. */
  items: BlobRef;
  ranges: ItemRange[];
  isolation: Isolation;
  attempts: number;
  cache: boolean;
  /** A shard that has worked so long hands back what it has not begun, in ms. */
  softLimitMs: number;
  owning?: boolean | undefined;
}

/** What a shard gives back: every item of it is in exactly one part or in `left`. */
export interface ShardOutcome {
  /** Results as blobs of JSON lines. */
  parts: Segment[];
  counts: Counts;
  failures: Failure[];
  left: ItemRange[];
  /** How long it worked, without the time that it waited in a queue, in ms. */
  busyMs: number;
  /** Who ran it. Absent where an earlier version did. */
  worker?: ShardWorker | undefined;
}

export interface PublishInput {
  batchId: string;
  /** In the order in which they were recorded: the first result of an item counts. */
  parts: Segment[];
  owning?: boolean | undefined;
  /** What the schedule's notes are to say of it. Absent where it is no run of one. */
  run?: { series: string; startedAt: string } | undefined;
}

/** The results of all items, in the order of the input. */
export interface Published {
  /** As JSON lines. */
  results: BlobRef;
  /** Absent where an earlier version has published. */
  parquet?: BlobRef | undefined;
}

/** The activities of a batch. */
export interface BatchActivities {
  runShard(input: RunShardInput): Promise<ShardOutcome>;
  publishBatch(input: PublishInput): Promise<Published>;
}
