import { randomUUID } from 'node:crypto';
import { Parked } from '../src/activities/shard/parked.ts';
import { runShard } from '../src/activities/shard/run-shard.ts';
import { ShardItems } from '../src/activities/shard/shard-items.ts';
import { rowsOfValues } from '../src/client/batch/item-rows.ts';
import { writeItems } from '../src/client/batch/write-items.ts';
import { sandboxOf } from '../src/config.ts';
import type { Config } from '../src/config.ts';
import { Sandboxes } from '../src/sandboxes/sandboxes.ts';
import { openStore } from '../src/store/open-store.ts';

/** The loop of a shard over all items, so many side by side, called by this process: what is left of a batch without Temporal. */
export async function shardLoop(config: Config, rows: unknown[], workers: number) {
  const store = openStore(config.storeUrl);
  const sandboxes = new Sandboxes(sandboxOf(config));
  const parts = { store, sandboxes, items: new ShardItems(store), parked: new Parked(sandboxes) };
  async function run(): Promise<void> {
    const batchId = `bench-${randomUUID()}`;
    const { items, total } = await writeItems(rowsOfValues(rows), store, {
      batchId,
      defaults: {},
      skipBad: false,
    });
    const size = Math.ceil(total / workers);
    const shard = async (at: number): Promise<void> => {
      const { left } = await runShard(
        {
          ...{ batchId, items, ranges: [[at * size, Math.min(total, (at + 1) * size)]] },
          ...{ isolation: 'shard', attempts: 1, cache: false, softLimitMs: 600_000 },
        },
        parts,
        {
          ...{ shardId: `${batchId}-${at}`, number: 1, owner: 'assay/bench' },
          ...{ signal: new AbortController().signal, onProgress: () => undefined },
        },
      );
      if (left.length > 0) throw new Error(`${left.length} items were left`);
    };
    await Promise.all(Array.from({ length: workers }, (_, at) => shard(at)));
    await sandboxes.closeAllOf({ jobId: batchId });
  }
  return { run };
}
