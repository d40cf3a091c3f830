import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { RateLimitError, SandboxNotFoundError, AuthenticationError } from 'e2b';
import { describe, expect, test } from 'vitest';
import { toFailure } from '../../src/activities/to-failure.ts';
import type { Try } from '../../src/activities/to-failure.ts';
import { StoreError } from '../../src/store/store-error.ts';

const first: Try = {
  number: 1,
  waitedMs: 0,
  patienceMs: 60_000,
  sameSandbox: false,
  signal: new AbortController().signal,
};

function abortedBy(message: string): AbortSignal {
  const controller = new AbortController();
  controller.abort(new CancelledFailure(message));
  return controller.signal;
}

describe('what Temporal is told of a failed try', () => {
  test('trouble that may pass is retried after the wait of the table', () => {
    const failure = toFailure(new RateLimitError('429'), { ...first, number: 3 });
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'rate-limited', nonRetryable: false, nextRetryDelay: 4_000 });
    expect((failure as ApplicationFailure).details).toEqual([{ type: 'rate-limited', message: '429' }]);
  });

  test.each([
    ['that does not pass', new AuthenticationError('401'), first],
    ['at its last try', new RateLimitError('429'), { ...first, number: 30 }],
    ['that has lasted too long', new RateLimitError('429'), { ...first, waitedMs: 59_500 }],
    ['that the workflow repeats itself', new RateLimitError('429'), { ...first, patienceMs: 0 }],
    ['that has spent the sandbox', new SandboxNotFoundError('gone'), { ...first, sameSandbox: true }],
  ])('trouble %s is not retried', (_, error, attempt) => {
    expect(toFailure(error, attempt)).toMatchObject({ nonRetryable: true });
  });

  test.each([
    ['not-found', 'store-missing'],
    ['damaged', 'store-damaged'],
    ['bad-reference', 'store-missing'],
    ['bad-url', 'store-failed'],
    ['denied', 'store-failed'],
    ['full', 'store-failed'],
    ['unavailable', 'store-failed'],
  ] as const)('a store that says %s is %s', (code, type) => {
    expect(toFailure(new StoreError(code, 'it said so'), first)).toMatchObject({
      type,
      message: 'it said so',
    });
  });

  test('a cancellation stays one, whatever the step has thrown', () => {
    const failure = toFailure(new Error('aborted'), { ...first, signal: abortedBy('CANCELLED') });
    expect(failure).toBeInstanceOf(CancelledFailure);
  });

  test('a worker that stops is trouble, not a cancellation', () => {
    const failure = toFailure(new Error('aborted'), { ...first, signal: abortedBy('WORKER_SHUTDOWN') });
    expect(failure).toMatchObject({ type: 'worker-stopped' });
  });
});
