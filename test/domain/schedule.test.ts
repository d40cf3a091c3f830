import { describe, expect, test } from 'vitest';
import { batchNameOf, fittingRule, splitRuns } from '../../src/domain/schedule-runs.ts';
import { ScheduleName, ScheduleOptions } from '../../src/domain/schedule.ts';
import type { KeptRun } from '../../src/domain/schedule.ts';

const counts = { passed: 95, failed: 3, rejected: 0, error: 2, cached: 0, flaky: 0 };
const run = { counts, done: 100, newFailureCount: 0 };

describe('a rule', () => {
  test.each([
    ['always', run, true],
    ['any-new-failure', run, false],
    ['any-new-failure', { ...run, newFailureCount: 1 }, true],
    ['error-rate>1.5%', run, true],
    ['error-rate>2%', run, false],
    ['failure-rate>2%', run, true],
    ['failure-rate>3%', run, false],
    ['failure-rate>0%', { ...run, done: 0 }, false],
    ['error-rate>99%', undefined, true],
  ])('%s', (rule, of, fits) => {
    expect(fittingRule([rule], of)).toBe(fits ? rule : undefined);
  });

  test('that fits first is told', () => {
    expect(fittingRule(['any-new-failure', 'error-rate>1%', 'always'], run)).toBe('error-rate>1%');
  });
});

test('two runs of the same second have batches of their own', () => {
  const id = 'schedule-a-2026-11-20T02:00:00Z';
  expect(batchNameOf('a', id, '0-beef')).toBe('a-20261120T020000Z-beef');
  expect(batchNameOf('a', id, '0-cafe')).not.toBe(batchNameOf('a', id, '0-beef'));
});

describe('options', () => {
  test('have defaults that do no harm', () => {
    expect(ScheduleOptions.parse({ every: '6h' })).toMatchObject({
      ...{ timezone: 'UTC', overlap: 'skip', catchUp: '1h', keepRuns: 100, paused: false },
      ...{ notify: [], notifyOn: ['any-new-failure'] },
    });
  });

  test.each([
    [{}],
    [{ every: '1x' }],
    [{ every: '1h', notify: ['ftp://x'] }],
    [{ every: '1h', notify: ['slack:env:HOME'] }],
    [{ every: '1h', notifyOn: ['error-rate>many%'] }],
    [{ every: '1h', keepRuns: 0 }],
    [{ every: '1h', overlap: 'never' }],
    [{ cron: ['@daily'], evry: '1h' }],
  ])('%j are refused', (options) => {
    expect(ScheduleOptions.safeParse(options).success).toBe(false);
  });

  test.each(['', '-a', 'a b', 'a'.repeat(71), 'a/b', 'ä'])('the name %j is refused', (name) => {
    expect(ScheduleName.safeParse(name).success).toBe(false);
  });
});

describe('runs', () => {
  const now = Date.parse('2026-11-24T00:00:00Z');
  const ago = (days: number): KeptRun => ({
    batchId: `batch-${days}`,
    startedAt: new Date(now - days * 86_400_000).toISOString(),
    results: { ref: `blob:${days}`, bytes: 1, sha256: '' },
  });
  const split = (days: number[], keep: { keepRuns: number; keepDays?: number }) =>
    splitRuns(days.map(ago), keep, now).kept.map(({ batchId }) => batchId);

  test('are kept by number', () => {
    expect(split([0, 1, 2, 3], { keepRuns: 2 })).toEqual(['batch-0', 'batch-1']);
  });
  test('are kept by age', () => {
    expect(split([0, 1, 2, 3], { keepRuns: 100, keepDays: 2 })).toEqual(['batch-0', 'batch-1', 'batch-2']);
  });
  test('always keep the newest, with which the next is compared', () => {
    expect(split([40, 41], { keepRuns: 1, keepDays: 30 })).toEqual(['batch-40']);
  });
  test('that are not whole go with those that are older', () => {
    const runs = [0, 1, 2, 3, 4].map((days) => ({
      ...ago(days),
      ...([0, 2, 4].includes(days) && { partial: true as const }),
    }));
    const kept = (keepRuns: number, ended?: string) =>
      splitRuns(runs, { keepRuns }, now, ended).kept.map(({ batchId }) => batchId);
    expect(kept(1)).toEqual(['batch-0', 'batch-1']);
    expect(kept(2)).toEqual(['batch-0', 'batch-1', 'batch-2', 'batch-3']);
    // The one that has just ended may have begun long ago.
    expect(kept(1, 'batch-4')).toEqual(['batch-0', 'batch-1', 'batch-4']);
  });
  test('are kept or forgotten, none both or neither', () => {
    const { kept, forget } = splitRuns([0, 5, 10].map(ago), { keepRuns: 2 }, now);
    expect([...kept, ...forget].map(({ batchId }) => batchId)).toEqual(['batch-0', 'batch-5', 'batch-10']);
  });
});
