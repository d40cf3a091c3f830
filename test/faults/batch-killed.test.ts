import { rm } from 'node:fs/promises';
import { Sandbox } from '@e2b/code-interpreter';
import { expect, test } from 'vitest';
import type { BatchHandle } from '../../src/client.ts';
import { knownItems } from '../support/batch-items.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { connectTo, testConfig } from '../support/stack.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

/** `npm run test:faults` takes 10,000. */
const ITEMS = Number(process.env['ASSAY_FAULT_ITEMS'] ?? 300);
const KILLS = ITEMS >= 10_000 ? 20 : 3;

test.each([
  ['items that share sandboxes', 'shard', ITEMS],
  ['items with a sandbox each, and the next one open already', 'item', ITEMS / 5],
] as const)(
  'workers and sandboxes killed in the middle leave one right verdict each for %s',
  { timeout: 3_600_000 },
  async (_, isolation, count) => {
    const config = await testConfig();
    const assay = await connectTo(config);
    const workers: WorkerProcess[] = [await startWorkerProcess(config)];
    try {
      const items = knownItems(count);
      const handle = await assay.batches.start(
        { rows: items.map(({ row }) => row) },
        { isolation, concurrency: 2, cache: false },
      );
      for (let kill = 1; kill <= KILLS; kill++) {
        await until(handle, (count * kill) / (KILLS + 2));
        const [sandboxId] = await openSandboxesOf(config, handle.batchId);
        if (sandboxId !== undefined) await Sandbox.kill(sandboxId, config.sandbox);
        await workers.at(-1)?.kill();
        workers.push(await startWorkerProcess(config));
      }
      const result = await handle.result();
      expect(result).toMatchObject({ state: 'done', done: count });
      const results = await Array.fromAsync(handle.results());
      expect(results.map(({ id }) => id)).toEqual(items.map(({ row }) => row.id));
      const wrong = results.filter(({ verdict }, at) => verdict !== items[at]?.verdict);
      expect(wrong.map(({ id, verdict, attempts }) => [id, verdict, attempts.at(-1)?.ended])).toEqual([]);
      expect(await openSandboxesOf(config, handle.batchId)).toEqual([]);
    } finally {
      await Promise.all(workers.map((worker) => worker.kill()));
      await assay.close();
      await rm(config.storeUrl, { recursive: true, force: true });
    }
  },
);

async function until(handle: BatchHandle, done: number): Promise<void> {
  for await (const progress of handle.watch()) if (progress.done >= done) return;
}
