import type { Client, WorkflowStartOptions } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { InternalWorkflowStartOptionsSymbol } from '@temporalio/client/lib/internal.js';
import { verdictOf } from './job-list.ts';

/**
 * Starts a job unless there is one of its id, running or with a verdict about the code. Returns the run that it has started, or undefined where
 * the job is there.
 *
 * One that ended in `error` has no verdict, so it is followed by a new run. Of several who find it so at once, only one may start that run, even
 * if it is over before the others ask: they all name the request after the run that failed, and the server takes a request of a name that it
 * has answered for the same one.
 */
export async function startOnce(client: Client, options: WorkflowStartOptions): Promise<string | undefined> {
  const { workflowId } = options;
  const first = await tryToStart(client, {
    ...options,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
  });
  if (first !== undefined) return first;
  const runId = await runWithoutVerdict(client, workflowId);
  if (runId === undefined) return undefined;
  const named = { [InternalWorkflowStartOptionsSymbol]: { requestId: `after-${runId}` } };
  return await tryToStart(client, { ...options, ...named, workflowIdReusePolicy: 'ALLOW_DUPLICATE' });
}

async function tryToStart(client: Client, options: WorkflowStartOptions): Promise<string | undefined> {
  try {
    const { firstExecutionRunId } = await client.workflow.start('agentJob', {
      ...options,
      workflowIdConflictPolicy: 'FAIL',
    });
    return firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

/** The last run of a job, where it ended in `error`. */
async function runWithoutVerdict(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const last = await client.workflow.getHandle(workflowId).describe();
    return last.status.name === 'COMPLETED' && verdictOf(last) === 'error' ? last.runId : undefined;
  } catch (error) {
    // Forgotten by the server in this very moment.
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
