import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorker } from '../../src/worker.ts';
import type { RunningWorker } from '../../src/worker.ts';
import type { Assay } from '../../src/client.ts';
import type { Config } from '../../src/config.ts';
import { createLogger } from '../../src/worker/logger.ts';
import { connectTo, testConfig } from '../support/stack.ts';

const JOBS = 40;
const CONCURRENCY = 2;

let config: Config;
let worker: RunningWorker;
let assay: Assay;
beforeAll(async () => {
  config = { ...(await testConfig()), concurrency: CONCURRENCY };
  worker = await startWorker(config, { logger: createLogger('fatal') });
  assay = await connectTo(config);
});
afterAll(async () => {
  await assay.close();
  await worker.stop();
});

test(
  'of many jobs at once only so many have a sandbox, and each gets its verdict',
  { timeout: 120_000 },
  async () => {
    const ids = new Set<string>();
    const results = Promise.all(
      Array.from({ length: JOBS }, async (_, index) => {
        const handle = await assay.jobs.start({ language: 'python', code: `print(${index})` });
        ids.add(handle.jobId);
        return await handle.result();
      }),
    );
    let most = 0;
    let done = false;
    const watching = (async () => {
      while (!done) {
        const open = await Sandbox.list({ ...config.sandbox, limit: 200 }).nextItems();
        most = Math.max(most, open.filter(({ metadata }) => ids.has(metadata['assay.job'] ?? '')).length);
      }
    })();
    const all = await results.finally(() => (done = true));
    await watching;
    expect(all.map(({ execution }) => execution?.stdout.text)).toEqual(all.map((_, index) => `${index}\n`));
    expect(all.flatMap(({ attempts }) => attempts.length)).toEqual(all.map(() => 1));
    // Each place has one job at work in its sandbox, and while Temporal hands its steps over, a few more.
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(JOBS / 2);
    console.log(`${most} sandboxes at once`);
  },
);
