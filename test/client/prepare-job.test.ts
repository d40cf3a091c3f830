import { expect, test } from 'vitest';
import { parseSpec, prepareJob } from '../../src/client/prepare-job.ts';
import { openStore } from '../../src/store/open-store.ts';

test('a job keeps a copy of what goes with a run of a schedule', async () => {
  const store = openStore('memory://');
  const owned = await store.ownedBy('batch-nightly-1').put('data');
  const spec = parseSpec({ language: 'python', code: '1', files: [{ path: 'in.txt', from: owned.ref }] });
  const job = await prepareJob(spec, store, { jobId: 'job-1', indexed: false });
  const blob = { ...owned, ref: `blob:sha256:${owned.sha256}` };
  expect(job).toMatchObject({ files: [{ path: 'in.txt', content: { blob } }] });
  await store.removeOwned('batch-nightly-1');
  expect(Buffer.from(await store.get(blob)).toString()).toBe('data');
});
