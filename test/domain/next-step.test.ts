import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CATEGORIES } from '../../src/domain/diagnosis.ts';
import { VERDICTS } from '../../src/domain/job-result.ts';
import { RetryPolicy } from '../../src/domain/job-spec.ts';
import { decisiveAttempt, nextStep } from '../../src/domain/next-step.ts';
import type { AttemptEnd } from '../../src/domain/next-step.ts';

const policy = RetryPolicy.parse({ maxAttempts: 4 });
const failed = (category: (typeof CATEGORIES)[number]): AttemptEnd => ({
  verdict: 'failed',
  diagnosis: { category },
});
const passed: AttemptEnd = { verdict: 'passed' };
const error: AttemptEnd = { verdict: 'error', diagnosis: { category: 'sandbox-lost' } };

describe('the next step', () => {
  test.each(CATEGORIES)('after a failure by %s', (category) => {
    const chance = category === 'timeout' || category === 'memory';
    expect(nextStep([failed(category)], policy)).toEqual(
      chance ? { do: 'retry', afterMs: 2_000 } : { do: 'finish' },
    );
  });

  test.each(['passed', 'rejected', 'error'] as const)('after %s there is none', (verdict) => {
    expect(nextStep([{ verdict, diagnosis: { category: 'timeout' } }], policy)).toEqual({ do: 'finish' });
  });

  test('waits double up to the longest', () => {
    const attempts = [failed('timeout'), failed('memory'), failed('timeout')];
    expect(nextStep(attempts.slice(0, 2), policy)).toEqual({ do: 'retry', afterMs: 4_000 });
    expect(nextStep(attempts, { ...policy, maximumIntervalMs: 5_000 })).toEqual({
      do: 'retry',
      afterMs: 5_000,
    });
  });

  test('what the policy does not list is not tried again', () => {
    expect(nextStep([failed('memory')], { ...policy, on: ['timeout'] })).toEqual({ do: 'finish' });
    expect(nextStep([failed('timeout')], { ...policy, on: [] })).toEqual({ do: 'finish' });
  });

  test('never goes beyond the attempts or the longest wait, whatever came before', () => {
    const end = fc.record({
      verdict: fc.constantFrom(...VERDICTS),
      diagnosis: fc.option(fc.record({ category: fc.constantFrom(...CATEGORIES) }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(end, { maxLength: 200 }),
        fc.integer({ min: 1, max: 100 }),
        (attempts, maxAttempts) => {
          const next = nextStep(attempts, { ...policy, maxAttempts });
          if (next.do === 'finish') return true;
          const within = next.afterMs >= 0 && next.afterMs <= policy.maximumIntervalMs;
          return within && attempts.length < maxAttempts && attempts.at(-1)?.verdict === 'failed';
        },
      ),
    );
  });
});

describe('the attempt that speaks for the job', () => {
  test.each([
    ['the only one', [passed], 0],
    ['the last of several', [failed('timeout'), passed], 1],
    ['the one before an error', [failed('timeout'), error], 0],
    ['the error where there is nothing else', [error], 0],
  ])('%s', (_, attempts, index) => {
    expect(decisiveAttempt(attempts)).toBe(attempts[index]);
  });
});
