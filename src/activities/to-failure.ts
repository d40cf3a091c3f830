import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Trouble, TroubleType } from '../domain/trouble.ts';
import { afterTrouble, troubleRow } from '../domain/trouble.ts';
import { classifyTrouble } from '../sandboxes/classify-trouble.ts';
import { StoreError } from '../store/store-error.ts';
import type { StoreErrorCode } from '../store/store-error.ts';

/** How a try of an activity stands when it fails. */
export interface Try {
  /** Counted from 1. */
  number: number;
  /** How long trouble has been waited out so far in this activity, in ms. */
  waitedMs: number;
  /** How long it may be waited out in all, in ms. 0 where the workflow itself decides on another try. */
  patienceMs: number;
  /** Whether another try would go on in the same sandbox, which is no use where that is spent. */
  sameSandbox: boolean;
  signal: AbortSignal;
}

const STORE_TROUBLES: Record<StoreErrorCode, TroubleType> = {
  'not-found': 'store-missing',
  damaged: 'store-damaged',
  'bad-reference': 'store-missing',
  'bad-url': 'store-failed',
  denied: 'store-failed',
  full: 'store-failed',
  unavailable: 'store-failed',
};

/** Turns anything that a step has thrown into what Temporal is told: a cancellation, or trouble by the table. */
export function toFailure(error: unknown, { number, waitedMs, patienceMs, sameSandbox, signal }: Try): Error {
  if (signal.aborted && !isWorkerStop(signal.reason))
    return signal.reason instanceof Error ? signal.reason : new CancelledFailure('CANCELLED');
  const trouble = signal.aborted ? STOPPED : troubleOf(error);
  const next = afterTrouble(trouble, number);
  const spent = sameSandbox && troubleRow(trouble.type).freshSandbox;
  const again = next.do === 'retry' && !spent && waitedMs + next.afterMs <= patienceMs;
  return ApplicationFailure.create({
    type: trouble.type,
    message: trouble.message,
    nonRetryable: !again,
    ...(again && { nextRetryDelay: next.afterMs }),
    details: [trouble],
    ...(error instanceof Error && { cause: error }),
  });
}

const STOPPED: Trouble = { type: 'worker-stopped', message: 'the worker was stopped during the step' };

export function troubleOf(error: unknown): Trouble {
  if (error instanceof StoreError) return { type: STORE_TROUBLES[error.code], message: error.message };
  return classifyTrouble(error);
}

function isWorkerStop(reason: unknown): boolean {
  return reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN';
}
