import { expect, test } from 'vitest';
import { compareRuns } from '../../../src/activities/schedule/compare-runs.ts';
import { openStore } from '../../../src/store/open-store.ts';
import { itemResultOf } from '../../support/item-results.ts';

const store = openStore('memory://');
const blobOf = (...results: ReturnType<typeof itemResultOf>[]) =>
  store.put(results.map((result) => `${JSON.stringify(result)}\n`).join(''));

test('a run is compared, whatever line separators its items have printed', async () => {
  const odd = 'a\u2028b\u2029c\u0085d\r';
  const before = await blobOf(itemResultOf({ id: odd }), itemResultOf({ id: 'b', index: 1 }));
  const after = await blobOf(
    itemResultOf({ id: odd, verdict: 'failed' }),
    itemResultOf({ id: 'b', index: 1 }),
  );
  const kept = { batchId: 'batch-1', startedAt: '2026-11-24T00:00:00Z', results: before };
  expect(await compareRuns({ before: kept, after }, store)).toMatchObject({
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
  const gone = { batchId: 'batch-1', startedAt: '2026-11-24T00:00:00Z', results };
  const compared = await compareRuns({ before: gone, after }, store);
  expect(compared).toMatchObject({ newFailures: [{ id: 'a' }], newFailureCount: 1 });
  expect(compared).not.toHaveProperty('diff');
});
