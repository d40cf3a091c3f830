import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import type { StepName } from '../domain/job-result.ts';
import { isTroubleType } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';

/** A step that the world did not let end. */
export class StepTrouble extends Error {
  override readonly name = 'StepTrouble';
  readonly step: StepName;
  readonly trouble: Trouble;

  constructor(step: StepName, trouble: Trouble, options?: ErrorOptions) {
    super(trouble.message, options);
    this.step = step;
    this.trouble = trouble;
  }
}

/** The trouble in what an activity has thrown; undefined where it is none of the world's, but a fault in the workflow's own code. */
export function troubleIn(error: unknown): Trouble | undefined {
  // A local activity's failure comes bare, that of a normal one wrapped.
  const cause: unknown = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return troubleOfTimeout(cause);
  if (!(cause instanceof ApplicationFailure))
    return error instanceof ActivityFailure ? { type: 'unknown', message: error.message } : undefined;
  const [detail] = cause.details ?? [];
  if (isTroubleType(cause.type))
    return { ...(detail as Partial<Trouble>), type: cause.type, message: cause.message };
  return { type: 'unknown', message: cause.message };
}

function troubleOfTimeout(timeout: TimeoutFailure): Trouble {
  // The last failure says why it was still at it when the time was over.
  const last = timeout.cause;
  if (last instanceof ApplicationFailure && isTroubleType(last.type))
    return { type: last.type, message: last.message };
  if (timeout.timeoutType === 'HEARTBEAT')
    return { type: 'worker-lost', message: 'the worker that ran the step fell silent' };
  if (timeout.timeoutType === 'START_TO_CLOSE')
    return { type: 'step-timeout', message: 'the step did not end within its time limit' };
  return { type: 'gave-up', message: 'the step did not end in time, over all its tries' };
}
