import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { BatchHandle } from '../../src/client.ts';
import { knownItems } from '../support/batch-items.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import { startStack } from '../support/stack.ts';
import type { Stack, StackPlace } from '../support/stack.ts';
import { startTestTemporalServer } from '../support/temporal-server.ts';

const ITEMS = 150;
/** How long the store is away, in ms. */
const AWAY_MS = 10_000;

/** Runs a batch of known items, does something to it in the middle, and compares what is recorded with the truth. */
async function withBatch(
  disturb: (handle: BatchHandle, stack: Stack) => Promise<void>,
  place?: StackPlace,
): Promise<void> {
  const stack = await startStack(undefined, place);
  try {
    const items = knownItems(ITEMS, { poison: false });
    const rows = items.map(({ row }) => row);
    const handle = await stack.assay.batches.start({ rows }, { concurrency: 2, cache: false });
    for await (const { done } of handle.watch()) if (done >= ITEMS / 5) break;
    await disturb(handle, stack);
    expect(await handle.result()).toMatchObject({ state: 'done', total: ITEMS, done: ITEMS });
    const results = await Array.fromAsync(handle.results());
    expect(results.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    const wrong = results.filter(({ verdict }, at) => verdict !== items[at]?.verdict);
    expect(wrong.map(({ id, verdict, attempts }) => [id, verdict, attempts.at(-1)?.ended])).toEqual([]);
    expect(await openSandboxesOf(stack.config, handle.batchId)).toEqual([]);
  } finally {
    await stack.stop();
  }
}

test('a sandbox server that is killed in the middle of a batch costs no verdict', async () => {
  let server = await startTestSandboxServer();
  const { url, apiKey } = server;
  try {
    await withBatch(
      async () => {
        await server.kill();
        await sleep(1_000);
        const port = Number(new URL(url).port);
        server = await startTestSandboxServer({ port, apiKey });
      },
      { sandboxUrl: url, sandboxApiKey: apiKey },
    );
  } finally {
    await server.stop();
  }
});

test('a Temporal server that is killed in the middle of a batch costs no verdict', async () => {
  const temporal = await startTestTemporalServer();
  try {
    await withBatch(
      async () => {
        await temporal.kill();
        await sleep(2_000);
        await temporal.restart();
      },
      { temporalAddress: temporal.address },
    );
  } finally {
    await temporal.stop();
  }
});

test('a store that is away for a while in the middle of a batch costs no verdict', async () => {
  await withBatch(async (_, { config: { storeUrl } }) => {
    // A file in the place of the folder: nothing can be read or written, whoever asks.
    await rename(storeUrl, `${storeUrl}-away`);
    await writeFile(storeUrl, '');
    await sleep(AWAY_MS);
    await rm(storeUrl);
    await rename(`${storeUrl}-away`, storeUrl);
  });
});
