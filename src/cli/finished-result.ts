import type { JobHandle } from '../client/job-handle.ts';
import type { JobResult } from '../domain/job-result.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** The result of a job that is over. Throws where it still runs: a command that only reads does not wait. */
export async function finishedResult(handle: JobHandle): Promise<JobResult> {
  const { state } = await handle.status();
  if (state !== 'running') return handle.result();
  throw new CliError(
    'still-running',
    `${handle.jobId} has no result yet; assay jobs watch ${handle.jobId} waits for it`,
    EXIT.error,
  );
}
