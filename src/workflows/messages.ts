import { defineQuery } from '@temporalio/workflow';
import type { JobStatus } from '../domain/job-result.ts';

/** What the job is doing now. Cancelling is the workflow's own cancellation, so it has no message here. */
export const statusQuery = defineQuery<JobStatus>('status');
