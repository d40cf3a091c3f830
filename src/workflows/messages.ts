import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { BatchProgress, Segment } from '../domain/batch.ts';
import type { JobStatus } from '../domain/job-result.ts';

/** What the job is doing now. Cancelling is the workflow's own cancellation, so it has no message here. */
export const statusQuery = defineQuery<JobStatus>('status');

/** How far a batch is. */
export const progressQuery = defineQuery<BatchProgress>('progress');
/** The results of a batch that are there, from this one on and at most `PARTS_A_QUERY`, as parts in the store in the order in which they were recorded. */
export const partsQuery = defineQuery<Segment[], [since: number]>('parts');
/** No new shard begins; those at work end. */
export const pauseUpdate = defineUpdate<void>('pause');
export const resumeUpdate = defineUpdate<void>('resume');
/** Shards at work at once, from now on. */
export const setConcurrencyUpdate = defineUpdate<void, [concurrency: number]>('setConcurrency');
