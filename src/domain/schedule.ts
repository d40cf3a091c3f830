import { z } from 'zod';
import type { BlobRef } from './blob.ts';
import type { BatchInput, Counts, Failure } from './batch.ts';
import { RULE } from './schedule-runs.ts';

/** What happens when a run is due while the last one is still at work. */
export const OVERLAPS = [
  'skip',
  'buffer-one',
  'buffer-all',
  'cancel-other',
  'terminate-other',
  'allow-all',
] as const;
export type Overlap = (typeof OVERLAPS)[number];

const DURATION = /^\d+(\.\d+)?\s*(ms|s|m|h|d|w)$/;
const duration = z.string().regex(DURATION, 'must be a duration such as 30s, 15m, 6h or 1d');
const TARGET = /^(https?:\/\/\S+|slack:https?:\/\/\S+|slack:env:ASSAY_SLACK_[A-Z0-9_]+)$/;

/** When a scheduled batch runs, and what follows from a run. */
export const ScheduleOptions = z
  .strictObject({
    cron: z
      .array(z.string().min(1).max(200))
      .max(100)
      .default([])
      .describe('Cron expressions of five fields, `@daily` and the like. Default: none'),
    every: duration.optional().describe('A run each such time, from the start of the epoch. Default: none'),
    timezone: z.string().min(1).max(100).default('UTC').describe('Of the cron expressions. Default: UTC'),
    jitter: duration.optional().describe('Each run begins up to so much later. Default: none'),
    overlap: z.enum(OVERLAPS).default('skip').describe('Default: skip'),
    catchUp: duration
      .default('1h')
      .describe('Runs that the server missed are made up for when they are no older than this. Default: 1h'),
    notify: z
      .array(
        z.string().max(2_000).regex(TARGET, 'must be an http(s) URL, slack:URL, or slack:env:ASSAY_SLACK_…'),
      )
      .max(10)
      .default([])
      .describe('Where to tell of runs. Default: nowhere'),
    notifyOn: z
      .array(z.string().regex(RULE, 'must be always, any-new-failure, error-rate>N% or failure-rate>N%'))
      .min(1)
      .max(10)
      .default(['any-new-failure'])
      .describe('Which runs to tell of: where one of these rules fits. Default: any-new-failure'),
    keepRuns: z
      .number()
      .int()
      .min(1)
      .max(1_000)
      .default(100)
      .describe('Results of so many runs are kept. Default: 100'),
    keepDays: z
      .number()
      .min(1)
      .max(3_650)
      .optional()
      .describe('Results of runs that are older are removed, but for the last one. Default: none'),
    paused: z.boolean().default(false).describe('Whether it waits until it is resumed. Default: false'),
  })
  .refine(({ cron, every }) => cron.length > 0 || every !== undefined, {
    error: 'say when: `cron` or `every`',
    path: ['cron'],
  });
export type ScheduleOptions = z.input<typeof ScheduleOptions>;
export type ParsedScheduleOptions = z.output<typeof ScheduleOptions>;

/** Part of a schedule's id, and of the names of its batches. */
export const ScheduleName = z.string().regex(/^\w[\w.-]{0,69}$/, 'use at most 70 letters, digits and . _ -');

/** What the workflow of each run is started with. */
export interface ScheduledBatchInput {
  schedule: string;
  batch: Pick<BatchInput, 'items' | 'total' | 'options' | 'indexed'>;
  notify: string[];
  notifyOn: string[];
  keepRuns: number;
  keepDays?: number | undefined;
  /** Names the schedule, and not another one of its name that was there before. Absent in schedules of earlier versions. */
  series?: string | undefined;
}

/** A run whose results are kept. */
export interface KeptRun {
  batchId: string;
  /** Set where it was cancelled, stopped or broken: such a run is no measure for the next. */
  partial?: true | undefined;
  /** ISO 8601, UTC */
  startedAt: string;
  /** Absent where it is broken. */
  results?: BlobRef | undefined;
  parquet?: BlobRef | undefined;
  diff?: BlobRef | undefined;
  /** ISO 8601, UTC: when its batch published, where the run itself has not gone on from there: it does so now, or was terminated. */
  publishedAt?: string | undefined;
  /** ISO 8601, UTC: when what a broken one had put into the store was first removed. */
  forgottenAt?: string | undefined;
}

/** One whose batch has published its results. */
export interface PublishedRun extends KeptRun {
  results: BlobRef;
}

/** How many items changed, by kind, since the last run that was whole. */
export interface RunChanges {
  newlyFailing: number;
  newlyError: number;
  newlyFlaky: number;
  newlySlow: number;
  newlyPassing: number;
  added: number;
  removed: number;
}

/** What one run of a schedule came to; the next one finds it as the last result. */
export interface ScheduledRun {
  schemaVersion: 1;
  schedule: string;
  batchId: string;
  state: 'done' | 'cancelled' | 'stopped';
  total: number;
  done: number;
  counts: Counts;
  startedAt: string;
  durationMs: number;
  /** The run that it was compared with: the last one that was whole. */
  comparedWith?: string | undefined;
  changes?: RunChanges | undefined;
  /** The first items that fail now and did not before; on the first run, all that fail. */
  newFailures: Failure[];
  newFailureCount: number;
  /** Targets and the rules that fitted. */
  notified: string[];
  /** Those that are kept, newest first. */
  runs: KeptRun[];
}

/** What a notification tells. */
export interface Notice {
  target: string;
  /** The rule that fitted. */
  rule: string;
  schedule: string;
  batchId: string;
  /** `broken`: the batch ended without a result. */
  state: ScheduledRun['state'] | 'broken';
  reason?: string | undefined;
  run?: Omit<ScheduledRun, 'runs' | 'notified' | 'schemaVersion'> | undefined;
}

/** A run that is broken, to be forgotten with those that are older than it. */
export interface NoteRunInput {
  series: string;
  run: KeptRun;
}

export interface CompareRunsInput {
  series: string;
  /** The run that has ended. */
  run: PublishedRun;
  /** Earlier ones that the last run has told of. */
  known: KeptRun[];
}

export interface ComparedRuns {
  /** Runs whose results are there, newest first, this one among them. Absent where an earlier version has compared. */
  runs?: KeptRun[] | undefined;
  /** The batch of the run before. Absent on a first run. */
  before?: string | undefined;
  diff?: BlobRef | undefined;
  changes?: RunChanges | undefined;
  newFailures: Failure[];
  newFailureCount: number;
}

export interface ForgetRunsInput {
  series: string;
  forget: KeptRun[];
  kept: KeptRun[];
}

export interface ScheduleActivities {
  noteRun(input: NoteRunInput): Promise<void>;
  compareRuns(input: CompareRunsInput): Promise<ComparedRuns>;
  forgetRuns(input: ForgetRunsInput): Promise<void>;
  sendNotice(notice: Notice): Promise<void>;
}
