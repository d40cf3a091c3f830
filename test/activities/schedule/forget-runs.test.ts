import { expect, test, vi } from 'vitest';
import { forgetRuns } from '../../../src/activities/schedule/forget-runs.ts';
import { RunNotes } from '../../../src/activities/schedule/run-notes.ts';
import type { PublishedRun } from '../../../src/domain/schedule.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { tempFolder } from '../../support/assay.ts';

const series = 'nightly-1';
const OUTPUT = 'the same long output';

/** A run whose results name an output of its own. */
async function ran(store: Store, day: number): Promise<{ run: PublishedRun; output: string }> {
  const own = store.ownedBy(`batch-${day}`);
  const run = {
    ...{ batchId: `batch-${day}`, startedAt: new Date(Date.UTC(2026, 10, day)).toISOString() },
    results: await own.put('the same results'),
  };
  await new RunNotes(store, series).put(run);
  return { run, output: (await own.put(OUTPUT)).ref };
}
const isThere = (store: Store, ref: string) =>
  store.get({ ref }).then(
    () => true,
    () => false,
  );

test('takes all that a run has put, and nothing of what another, a job or a verdict names', async () => {
  const store = openStore(tempFolder());
  const shared = await store.put(OUTPUT);
  const [old, kept] = [await ran(store, 1), await ran(store, 2)];
  await forgetRuns({ series, forget: [old.run], kept: [kept.run] }, store);
  expect(await isThere(store, old.output)).toBe(false);
  expect(await isThere(store, old.run.results.ref)).toBe(false);
  for (const ref of [kept.output, kept.run.results.ref, shared.ref])
    expect(await isThere(store, ref)).toBe(true);
  expect((await new RunNotes(store, series).list()).map(({ batchId }) => batchId)).toEqual(['batch-2']);
});

test('cut short anywhere, it is found by its note and done by the next try', async () => {
  for (let calls = 0; ; calls++) {
    const store = openStore(tempFolder());
    const [old, older, kept] = [await ran(store, 2), await ran(store, 1), await ran(store, 3)];
    const input = { series, forget: [old.run, older.run], kept: [kept.run] };
    const cut = await forgetRuns(input, cutAfter(store, calls)).catch((error: unknown) => error);
    const noted = await new RunNotes(store, series).list();
    for (const { run, output } of [old, older])
      if (await isThere(store, output)) expect(noted).toContainEqual(run);
    await forgetRuns(input, store);
    expect(await isThere(store, old.output)).toBe(false);
    expect(await isThere(store, older.output)).toBe(false);
    expect(await isThere(store, kept.output)).toBe(true);
    expect((await new RunNotes(store, series).list()).map(({ batchId }) => batchId)).toEqual(['batch-3']);
    if (cut === undefined) {
      expect(calls).toBeGreaterThan(4);
      return;
    }
  }
});

test('results of an earlier version go, unless a run that is kept has the same', async () => {
  const store = openStore(tempFolder());
  const runOf = async (day: number, text: string): Promise<PublishedRun> => ({
    ...{ batchId: `batch-${day}`, startedAt: new Date(Date.UTC(2026, 10, day)).toISOString() },
    results: await store.put(text),
  });
  const [same, other, kept] = [await runOf(1, 'same'), await runOf(2, 'other'), await runOf(3, 'same')];
  await forgetRuns({ series, forget: [same, other], kept: [kept] }, store);
  expect(await isThere(store, kept.results.ref)).toBe(true);
  expect(await isThere(store, other.results.ref)).toBe(false);
});

test('what a broken run puts down late goes with a later run', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const store = openStore(tempFolder());
    const notes = new RunNotes(store, series);
    await notes.put({ batchId: 'batch-1', partial: true, startedAt: new Date(0).toISOString() });
    for (const minutes of [0, 9, 2]) {
      vi.advanceTimersByTime(minutes * 60_000);
      const { ref } = await store.ownedBy('batch-1').put(OUTPUT);
      const forget = await notes.list();
      expect(forget).toHaveLength(1);
      await forgetRuns({ series, forget, kept: [] }, store);
      expect(await isThere(store, ref)).toBe(false);
    }
    expect(await notes.list()).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

/** The store, of which so many removals work and the next does not. */
function cutAfter(store: Store, calls: number): Store {
  let left = calls;
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value = target[name] as (...args: unknown[]) => Promise<unknown>;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name.startsWith('remove') && left-- <= 0) return Promise.reject(new Error('cut'));
        return value.apply(target, args);
      };
    },
  });
}
