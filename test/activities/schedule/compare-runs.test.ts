import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { compareRuns } from '../../../src/activities/schedule/compare-runs.ts';
import { RunNotes } from '../../../src/activities/schedule/run-notes.ts';
import type { BlobRef } from '../../../src/domain/blob.ts';
import type { PublishedRun } from '../../../src/domain/schedule.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { itemResultOf } from '../../support/item-results.ts';

const store = openStore('memory://');
const blobOf = (...results: ReturnType<typeof itemResultOf>[]) =>
  store.put(results.map((result) => `${JSON.stringify(result)}\n`).join(''));

let series: string;
beforeEach(() => {
  series = randomUUID();
});

/** The run of a day. */
const run = (day: number, results: BlobRef): PublishedRun => ({
  ...{ batchId: `batch-${day}`, results },
  startedAt: new Date(Date.UTC(2026, 10, day + 1)).toISOString(),
});
const compare = (one: PublishedRun, ...known: PublishedRun[]) =>
  compareRuns({ series, run: one, known }, store);

test('a run is compared, whatever line separators its items have printed', async () => {
  const odd = 'a\u2028b\u2029c\u0085d\r';
  const before = await blobOf(itemResultOf({ id: odd }), itemResultOf({ id: 'b', index: 1 }));
  const after = await blobOf(
    itemResultOf({ id: odd, verdict: 'failed' }),
    itemResultOf({ id: 'b', index: 1 }),
  );
  expect(await compare(run(2, after), run(1, before))).toMatchObject({
    changes: { newlyFailing: 1, added: 0, removed: 0 },
    newFailures: [{ id: odd, verdict: 'failed' }],
    newFailureCount: 1,
  });
});

test('where the results of the last run are gone, all that fail are new failures', async () => {
  const after = await blobOf(
    itemResultOf({ id: 'a', verdict: 'failed' }),
    itemResultOf({ id: 'b', index: 1 }),
  );
  const results = { ...after, ref: `blob:sha256:${'0'.repeat(64)}` };
  const compared = await compare(run(2, after), run(1, results));
  expect(compared).toMatchObject({ newFailures: [{ id: 'a' }], newFailureCount: 1 });
  expect(compared).not.toHaveProperty('diff');
});

describe('runs that overlap, of which the server hands on no result', () => {
  test('are compared with the last whole one that began before and has ended', async () => {
    const results = await blobOf(itemResultOf({ id: 'a' }));
    const ended = async (one: PublishedRun) =>
      (await compareRuns({ series, run: one, known: [] }, store)).before;
    expect(await ended(run(1, results))).toBeUndefined();
    // The third ends before the second, and the fourth is cut short.
    expect(await ended(run(3, results))).toBe('batch-1');
    expect(await ended(run(2, results))).toBe('batch-1');
    expect(await ended({ ...run(4, results), partial: true })).toBe('batch-3');
    expect(await ended(run(5, results))).toBe('batch-3');
  });

  test('are all told, newest first, once, however often one was compared', async () => {
    const results = await blobOf(itemResultOf({ id: 'a' }));
    await compare(run(1, results));
    await compare(run(2, results), run(1, results));
    const { runs, before } = await compare(run(2, results), run(1, results), run(0, results));
    expect(runs?.map(({ batchId }) => batchId)).toEqual(['batch-2', 'batch-1', 'batch-0']);
    expect(before).toBe('batch-1');
  });

  test('are let be while one compares itself, and those that were terminated are told of after that', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const results = await blobOf(itemResultOf({ id: 'a' }));
      const terminated = {
        ...run(1, results),
        partial: true,
        publishedAt: new Date().toISOString(),
      } as const;
      await new RunNotes(store, series).put(terminated);
      const others = async (day: number) => {
        const { runs, before } = await compare(run(day, results));
        return [before, runs?.map(({ batchId }) => batchId)];
      };
      expect(await others(2)).toEqual([undefined, ['batch-2']]);
      vi.advanceTimersByTime(601_000);
      expect(await others(3)).toEqual(['batch-2', ['batch-3', 'batch-2', 'batch-1']]);
      // It was at work all the while.
      await compare(run(1, results));
      expect((await new RunNotes(store, series).list()).at(-1)).not.toHaveProperty('publishedAt');
    } finally {
      vi.useRealTimers();
    }
  });

  test('of another schedule are none of theirs', async () => {
    const results = await blobOf(itemResultOf({ id: 'a' }));
    await compareRuns({ series: `${series}-other`, run: run(1, results), known: [] }, store);
    expect((await compare(run(2, results))).before).toBeUndefined();
  });
});
