import { describe, expect, test } from 'vitest';
import { CATEGORIES } from '../../src/domain/diagnosis.ts';
import { WORLD_CATEGORIES } from '../../src/domain/diagnosis.ts';
import { afterTrouble, TROUBLES } from '../../src/domain/trouble.ts';
import type { TroubleType } from '../../src/domain/trouble.ts';

// category, retried, first wait, longest wait, tries, fresh sandbox
const ROWS: Record<TroubleType, [string, boolean, number, number, number, boolean]> = {
  'rate-limited': ['quota', true, 1_000, 30_000, 30, false],
  'quota-exceeded': ['quota', true, 2_000, 30_000, 20, false],
  'service-busy': ['sandbox-start', true, 1_000, 15_000, 20, false],
  'service-failed': ['sandbox-start', true, 500, 10_000, 8, true],
  'service-unreachable': ['sandbox-start', true, 250, 5_000, 30, false],
  'transport-timeout': ['sandbox-lost', true, 250, 5_000, 5, true],
  'sandbox-lost': ['sandbox-lost', true, 100, 5_000, 5, true],
  'stream-lost': ['sandbox-lost', true, 100, 5_000, 5, true],
  'host-disk-full': ['storage', true, 1_000, 30_000, 4, true],
  'bad-key': ['auth', false, 0, 0, 1, false],
  'unknown-template': ['template', false, 0, 0, 1, false],
  'invalid-item': ['unknown', false, 0, 0, 1, false],
  'broken-template': ['template', false, 0, 0, 1, false],
  'unfit-template': ['template', false, 0, 0, 1, false],
  'no-internet': ['sandbox-start', false, 0, 0, 1, false],
  'bad-request': ['unknown', false, 0, 0, 1, false],
  'store-missing': ['storage', false, 0, 0, 1, false],
  'store-damaged': ['storage', false, 0, 0, 1, false],
  'store-failed': ['storage', true, 500, 10_000, 10, false],
  'worker-lost': ['unknown', true, 0, 5_000, 5, true],
  'worker-stopped': ['unknown', true, 0, 1_000, 20, true],
  'step-timeout': ['unknown', true, 1_000, 5_000, 2, true],
  'gave-up': ['unknown', false, 0, 0, 1, false],
  unknown: ['unknown', true, 500, 5_000, 3, true],
};

describe('the table of troubles', () => {
  test.each(Object.entries(ROWS))('%s', (type, [category, retryable, first, longest, tries, fresh]) => {
    const row = TROUBLES[type as TroubleType];
    expect(row).toMatchObject({ category, retryable, freshSandbox: fresh, maximumTries: tries });
    expect([row.initialWaitMs, row.maximumWaitMs]).toEqual([first, longest]);
    expect(CATEGORIES).toContain(row.category);
    expect(WORLD_CATEGORIES as readonly string[]).toContain(row.category);
    expect(row.advice).toMatch(/^[A-Z].*[.?]$/);
  });

  test('has no row that is not tested', () => {
    expect(Object.keys(TROUBLES).toSorted()).toEqual(Object.keys(ROWS).toSorted());
  });
});

describe('what follows a try', () => {
  const limited = { type: 'rate-limited', message: '' } as const;

  test.each([
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [6, 30_000],
    [29, 30_000],
  ])('after try %i it waits %i ms', (tries, afterMs) => {
    expect(afterTrouble(limited, tries)).toEqual({ do: 'retry', afterMs });
  });

  test('ends with the last try of the row', () => {
    expect(afterTrouble(limited, 30)).toEqual({ do: 'give-up' });
    expect(afterTrouble({ type: 'bad-key', message: '' }, 1)).toEqual({ do: 'give-up' });
  });

  test('waits as long as the service asks for', () => {
    expect(afterTrouble({ ...limited, retryAfterMs: 45_000 }, 1)).toEqual({ do: 'retry', afterMs: 45_000 });
    expect(afterTrouble({ ...limited, retryAfterMs: 10 }, 1)).toEqual({ do: 'retry', afterMs: 1_000 });
  });
});
