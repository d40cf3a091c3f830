import { randomUUID } from 'node:crypto';
import { cp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { BatchHandle } from '../../src/client.ts';
import { knownItems } from '../support/batch-items.ts';
import type { KnownItem } from '../support/batch-items.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import { startStack } from '../support/stack.ts';
import type { Stack, StackPlace } from '../support/stack.ts';
import { startTestTemporalServer } from '../support/temporal-server.ts';

/** `npm run test:faults` takes 10,000. */
const ITEMS = Number(process.env['ASSAY_FAULT_ITEMS'] ?? 150);
/** How long the store is away, in ms. */
const AWAY_MS = 10_000;

const TIMEOUT_MS = 120_000 + ITEMS * 60;

const KNOWN = knownItems(ITEMS, { poison: false });

/** Runs a batch of known items, does something to it in the middle, and compares what is recorded with the truth. */
async function withBatch(
  disturb: (handle: BatchHandle, stack: Stack) => Promise<void>,
  { place, items = KNOWN }: { place?: StackPlace; items?: KnownItem[] } = {},
): Promise<void> {
  const stack = await startStack(undefined, place);
  try {
    const rows = items.map(({ row }) => row);
    const handle = await stack.assay.batches.start({ rows }, { concurrency: 2, cache: false });
    for await (const { done } of handle.watch()) if (done >= ITEMS / 5) break;
    await disturb(handle, stack);
    const { state, done } = await handle.result();
    const results = await Array.fromAsync(handle.results());
    const ids = new Set(results.map(({ id }) => id));
    expect(results).toHaveLength(done);
    expect([...ids], 'in the order of the input, none twice').toEqual(
      rows.map(({ id }) => id).filter((id) => ids.has(id)),
    );
    if (state !== 'cancelled') expect({ state, done }).toEqual({ state: 'done', done: ITEMS });
    const wrong = results.filter(({ index, verdict }) => verdict !== items[index]?.verdict);
    expect(wrong.map(({ id, verdict, attempts }) => [id, verdict, attempts.at(-1)?.ended])).toEqual([]);
    expect(await openSandboxesOf(stack.config, handle.batchId)).toEqual([]);
  } finally {
    await stack.stop();
  }
}

/** What is at a path goes aside, as often as somebody makes it anew before the other is there. */
async function replace(path: string, other: string, aside: string[]): Promise<void> {
  for (;;)
    try {
      return await rename(other, path);
    } catch (error) {
      if (!/EISDIR|ENOTDIR|ENOTEMPTY|EEXIST/.test(String(error))) throw error;
      const piece = `${path}-${randomUUID()}`;
      await rename(path, piece);
      aside.push(piece);
    }
}

test(
  'a sandbox server that is killed in the middle of a batch costs no verdict',
  { timeout: TIMEOUT_MS },
  async () => {
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
        { place: { sandboxUrl: url, sandboxApiKey: apiKey } },
      );
    } finally {
      await server.stop();
    }
  },
);

test(
  'a Temporal server that is killed in the middle of a batch costs no verdict',
  { timeout: TIMEOUT_MS },
  async () => {
    const temporal = await startTestTemporalServer();
    try {
      await withBatch(
        async () => {
          await temporal.kill();
          await sleep(2_000);
          await temporal.restart();
        },
        { place: { temporalAddress: temporal.address } },
      );
    } finally {
      await temporal.stop();
    }
  },
);

test(
  'a store that is away for a while in the middle of a batch costs no verdict',
  { timeout: TIMEOUT_MS },
  async () => {
    await withBatch(async (_, { config: { storeUrl } }) => {
      // A file in the place of the folder: nothing can be read or written, whoever asks.
      const aside: string[] = [];
      await writeFile(`${storeUrl}-file`, '');
      await replace(storeUrl, `${storeUrl}-file`, aside);
      const whole = aside.shift() as string;
      await sleep(AWAY_MS);
      await replace(storeUrl, whole, aside);
      for (const piece of aside) {
        if ((await stat(piece)).isDirectory()) await cp(piece, storeUrl, { recursive: true });
        await rm(piece, { recursive: true });
      }
    });
  },
);

test('a batch that is cancelled in the middle keeps what it has', { timeout: TIMEOUT_MS }, async () => {
  const code = 'import time\ntime.sleep(100)\n';
  const slow = { id: 'slow', language: 'python', code, limits: { timeoutMs: 120_000 } };
  // However fast the others are, one is at work when it is cancelled.
  const items = KNOWN.with(ITEMS / 2, { row: slow, verdict: 'passed' });
  await withBatch(
    async (handle) => {
      await handle.cancel();
      const { state, done } = await handle.result();
      expect(state).toBe('cancelled');
      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThan(ITEMS);
    },
    { items },
  );
});
