import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { JobInput } from '../domain/job-input.ts';
import { textOfContent } from '../store/content.ts';
import type { Assay } from './assay.ts';

/** The code of a job as it was handed over; undefined where the server or the store no longer has it. */
export async function jobSource({ temporal, store }: Assay, jobId: string): Promise<string | undefined> {
  try {
    const { events } = await temporal.workflow.getHandle(jobId).fetchHistory();
    const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
    const { code } = await decodeFromPayloadsAtIndex<JobInput>(
      temporal.options.loadedDataConverter,
      0,
      payloads,
    );
    return await textOfContent(code, store);
  } catch {
    return undefined;
  }
}
