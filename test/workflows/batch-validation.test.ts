import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { BatchResult } from '../../src/domain/batch.ts';
import type { BatchProgress, Segment, ShardOutcome } from '../../src/domain/batch.ts';
import { places, recorded, untilStopped, withScriptedBatch } from '../support/scripted-batch.ts';
import type { BatchScript } from '../support/scripted-batch.ts';

const sizes = (shards: { ranges: [number, number][] }[]) => shards.map(({ ranges }) => places(ranges).length);

/** Runs such a batch to its end. */
async function run(script: BatchScript) {
  return await withScriptedBatch(script, async ({ result, shards, published, most }) => ({
    result: await result(),
    ...{ shards, published },
    most: most(),
  }));
}

describe('a batch that nothing disturbs', () => {
  test('runs each item in exactly one shard and publishes what was recorded, in that order', async () => {
    const { result, shards, published, most } = await run({ total: 100, options: { concurrency: 3 } });
    expect(places(shards.flatMap(({ ranges }) => ranges))).toEqual(places([[0, 100]]));
    expect(most).toBeLessThanOrEqual(3);
    expect(published).toHaveLength(1);
    expect(places(published[0]!.parts.map(({ from, count }) => [from, from + count]))).toEqual(
      places([[0, 100]]),
    );
    expect(result).toMatchObject({
      ...{ state: 'done', total: 100, done: 100, results: { ref: 'blob:results' } },
      counts: { passed: 100, failed: 0, rejected: 0, error: 0 },
    });
    expect(BatchResult.parse(result)).toEqual(JSON.parse(JSON.stringify(result)));
  });

  test('without items is done at once', async () => {
    const { result, shards } = await run({ total: 0 });
    expect(result).toMatchObject({ state: 'done', total: 0, done: 0 });
    expect(shards).toEqual([]);
  });

  test('hands its shards what was asked for', async () => {
    const options = { isolation: 'item', attempts: 3, cache: false } as const;
    const { shards } = await run({ total: 1, options });
    expect(shards).toMatchObject([{ ...options, ranges: [[0, 1]], items: { ref: 'blob:items' } }]);
  });

  test('quick items make large shards, but none of the last ones is waited for alone', async () => {
    const { shards } = await run({
      ...{ total: 1_000, options: { concurrency: 2 } },
      shard: ({ ranges }) => recorded(ranges, { msAnItem: 1 }),
    });
    const [first = 0, second = 0, ...later] = sizes(shards);
    expect([first, second]).toEqual([8, 8]);
    expect(Math.max(...later)).toBeGreaterThan(100);
    expect(later.at(-1)).toBeLessThan(100);
  });

  test('tells its rate from its start on, however close together its first shards end', async () => {
    const script: BatchScript = {
      ...{ total: 16, options: { concurrency: 2 } },
      shard: async ({ ranges }) => await sleep(300, recorded(ranges)),
    };
    await withScriptedBatch(script, async ({ result, handle }) => {
      await result();
      const { itemsPerSecond = 0, elapsedMs } = await handle.query<BatchProgress>('progress');
      expect((itemsPerSecond * elapsedMs) / 16_000).toBeCloseTo(1, 1);
    });
  });

  test('slow items make shards of one', async () => {
    const { shards } = await run({
      ...{ total: 12, options: { concurrency: 1 } },
      shard: ({ ranges }) => recorded(ranges, { msAnItem: 20_000 }),
    });
    expect(sizes(shards)).toEqual([8, 1, 1, 1, 1]);
  });

  test('shards end soon until the first results are there', async () => {
    const { shards } = await run({ total: 100, options: { concurrency: 1 } });
    const limits = shards.map(({ softLimitMs }) => softLimitMs);
    expect(limits).toEqual([500, ...limits.slice(1).map(() => 4_000)]);
    expect(limits.length).toBeGreaterThan(1);
  });

  test('what a shard gives back goes to the next one', async () => {
    const left: [number, number][] = [
      [3, 4],
      [6, 8],
    ];
    const { result, shards } = await run({
      ...{ total: 20, options: { concurrency: 1 } },
      shard: ({ ranges }, count) => (count === 1 ? recorded([[0, 3]], { left }) : recorded(ranges)),
    });
    expect(shards[1]?.ranges.slice(0, 2)).toEqual(left);
    // The script says nothing of two items, which no shard does.
    expect(result).toMatchObject({ state: 'done', done: 18 });
  });
});

describe('what did not pass', () => {
  test('is counted, and the last of it is told, newest first', async () => {
    await withScriptedBatch(
      {
        ...{ total: 30, options: { concurrency: 1 } },
        shard: ({ ranges }, count) =>
          recorded(ranges, { verdict: count === 2 ? 'failed' : count === 3 ? 'rejected' : 'passed' }),
      },
      async ({ result, handle, shards }) => {
        const { counts } = await result();
        const [first, second, third] = sizes(shards);
        expect(counts).toMatchObject({ failed: second, rejected: third, passed: 30 - second! - third! });
        const progress = await handle.query<BatchProgress>('progress');
        expect(progress.failures.map(({ verdict }) => verdict)).toEqual(['rejected', 'failed']);
        expect(progress.failures[1]?.id).toBe(`item-${first}`);
        const { currentDetails } = await handle.query<{ currentDetails: string }>(
          '__temporal_workflow_metadata',
        );
        expect(currentDetails).toContain('**done**');
        expect(currentDetails).toContain('30 of 30');
        expect(currentDetails).toContain('did not pass |');
      },
    );
  });

  test('stops the batch after so many, and what is at work gives back what it has', async () => {
    const { result, published } = await run({
      ...{ total: 500, options: { concurrency: 2, failFast: 3 } },
      shard: ({ ranges }, count) =>
        count === 1
          ? recorded(ranges, { verdict: 'failed' })
          : untilStopped([[ranges[0]![0], ranges[0]![0] + 1]], [[ranges[0]![0] + 1, ranges[0]![1]]]),
    });
    expect(result).toMatchObject({ state: 'stopped', done: 9, counts: { failed: 8, passed: 1 } });
    expect(published[0]?.parts).toHaveLength(2);
  });
});

describe('a batch that is cancelled', () => {
  test('publishes what is there', async () => {
    const script = {
      ...{ total: 100, options: { concurrency: 2 } },
      shard: ({ ranges }: { ranges: [number, number][] }, count: number) =>
        count === 1 ? recorded(ranges) : untilStopped([], ranges),
    };
    await withScriptedBatch(script, async ({ handle, shards, published, result }) => {
      await expect.poll(() => shards.length, { timeout: 10_000 }).toBe(3);
      await handle.cancel();
      expect(await result()).toMatchObject({ state: 'cancelled', done: 8, counts: { passed: 8 } });
      expect(published[0]?.parts).toMatchObject([{ from: shards[0]!.ranges[0]![0], count: 8 }]);
      expect(shards).toHaveLength(3);
    });
  });

  test('while nobody takes its shards is cancelled, not done', async () => {
    const script = { total: 4, options: { concurrency: 4 }, shardWorker: false };
    await withScriptedBatch(script, async ({ handle, published, result }) => {
      await scheduled(handle, 4);
      await handle.cancel();
      expect(await result()).toMatchObject({ state: 'cancelled', total: 4, done: 0 });
      expect(published).toMatchObject([{ parts: [] }]);
    });
  });

  test('while a worker is dead still publishes what the others recorded', async () => {
    let end = (): void => undefined;
    const dead = new Promise<ShardOutcome>((resolve) => (end = () => resolve(recorded([]))));
    const script = {
      ...{ total: 16, options: { concurrency: 2 } },
      // It is never heard of again.
      shard: ({ ranges }: { ranges: [number, number][] }) => (ranges[0]![0] === 0 ? recorded(ranges) : dead),
    };
    await withScriptedBatch(script, async ({ handle, shards, published, result }) => {
      await expect.poll(() => shards.length, { timeout: 10_000 }).toBe(2);
      await expect
        .poll(async () => (await handle.query<BatchProgress>('progress')).done, { timeout: 10_000 })
        .toBe(8);
      await handle.cancel();
      try {
        expect(await result()).toMatchObject({ state: 'cancelled', done: 8 });
        expect(published[0]?.parts).toMatchObject([{ from: 0, count: 8 }]);
      } finally {
        end();
      }
    });
  });
});

describe('a batch while it runs', () => {
  test('begins no shard while it is paused, and can be widened', async () => {
    const gates: (() => void)[] = [];
    const script = {
      ...{ total: 100, options: { concurrency: 1 } },
      shard: async ({ ranges }: { ranges: [number, number][] }) => {
        await new Promise<void>((resolve) => gates.push(resolve));
        return recorded(ranges);
      },
    };
    await withScriptedBatch(script, async ({ handle, shards, result, most }) => {
      const state = async () => (await handle.query<BatchProgress>('progress')).state;
      await expect.poll(() => gates.length, { timeout: 10_000 }).toBe(1);
      await handle.executeUpdate('pause');
      gates.shift()?.();
      await expect
        .poll(async () => (await handle.query<BatchProgress>('progress')).done, { timeout: 10_000 })
        .toBe(8);
      expect(await state()).toBe('paused');
      await sleep(300);
      expect(shards).toHaveLength(1);

      await expect(
        handle.executeUpdate('setConcurrency', { args: [0] } as { args: [number] }),
      ).rejects.toThrow();
      await handle.executeUpdate('setConcurrency', { args: [3] } as { args: [number] });
      await handle.executeUpdate('resume');
      await expect.poll(() => gates.length, { timeout: 10_000 }).toBe(3);
      expect(await state()).toBe('running');
      // How fast it is shows when a shard has ended again; the pause does not count.
      expect(await handle.query<BatchProgress>('progress')).not.toHaveProperty('itemsPerSecond');
      const open = setInterval(() => gates.splice(0).forEach((gate) => gate()), 20);
      expect(await result().finally(() => clearInterval(open))).toMatchObject({ state: 'done', done: 100 });
      expect(most()).toBe(3);
    });
  });

  test('has half again as many shards as the workers that take them have places, unless told how many', async () => {
    const gates: (() => void)[] = [];
    let over = false;
    const script: BatchScript = {
      total: 1_000,
      shard: async ({ ranges }, count) => {
        if (!over) await new Promise<void>((open) => gates.push(open));
        // The first worker is gone after its first shard.
        const worker = count === 1 ? { id: 'a', shards: 2 } : { id: 'b', shards: 3 };
        return { ...recorded(ranges, { msAnItem: 60_000 }), worker };
      },
    };
    await withScriptedBatch(script, async ({ handle }) => {
      const concurrency = async () => (await handle.query<BatchProgress>('progress')).concurrency;
      const endNext = async () => {
        await expect.poll(() => gates.length, { timeout: 10_000 }).toBeGreaterThan(0);
        gates.shift()?.();
      };
      try {
        expect(await concurrency()).toBe(4);
        for (const most of [3, 8]) {
          await endNext();
          await expect.poll(concurrency, { timeout: 10_000 }).toBe(most);
          await expect.poll(() => gates.length, { timeout: 10_000 }).toBe(most);
        }
        for (let ended = 0; ended < 25; ended++) await endNext();
        await expect.poll(concurrency, { timeout: 10_000 }).toBe(5);
        await handle.executeUpdate('setConcurrency', { args: [1] } as { args: [number] });
        await endNext();
        expect(await concurrency()).toBe(1);
      } finally {
        over = true;
        gates.forEach((open) => open());
      }
    });
  });

  test('that is paused can be cancelled', async () => {
    const script = {
      ...{ total: 10, options: { concurrency: 1 } },
      shard: ({ ranges }: { ranges: [number, number][] }) => untilStopped([], ranges),
    };
    await withScriptedBatch(script, async ({ handle, shards, result }) => {
      await expect.poll(() => shards.length, { timeout: 10_000 }).toBe(1);
      await handle.executeUpdate('pause');
      await handle.cancel();
      expect(await result()).toMatchObject({ state: 'cancelled', done: 0 });
    });
  });

  test('tells its parts from where one has read, in order', async () => {
    await withScriptedBatch(
      { total: 40, options: { concurrency: 1 } },
      async ({ handle, result, published }) => {
        await result();
        const parts = (since: number) => handle.query<Segment[], [number]>('parts', since);
        expect(await parts(0)).toEqual(published[0]?.parts);
        expect(await parts(2)).toEqual(published[0]?.parts.slice(2));
        expect(await parts(1_000)).toEqual([]);
      },
    );
  });

  test('goes on in a fresh history with all that it has', { timeout: 180_000 }, async () => {
    const script = {
      ...{ total: 6_000, options: { concurrency: 500 } },
      shard: ({ ranges }: { ranges: [number, number][] }, count: number) =>
        recorded(ranges, {
          msAnItem: 60_000,
          verdict: count === 1 ? ('failed' as const) : ('passed' as const),
        }),
    };
    await withScriptedBatch(script, async ({ handle, result, shards, published }) => {
      const { runId: first } = (await handle.describe()) as { runId: string };
      const end = await result();
      const { runId: last } = await handle.describe();
      expect(last).not.toBe(first);
      for (const runId of [first, last]) {
        const { historyLength } = await handle.client.getHandle(handle.workflowId, runId).describe();
        expect(historyLength).toBeLessThan(5_000);
      }
      expect(places(shards.flatMap(({ ranges }) => ranges))).toEqual(places([[0, 6_000]]));
      expect(end).toMatchObject({ state: 'done', done: 6_000 });
      expect(end.counts.failed + end.counts.passed).toBe(6_000);
      expect(end.counts.failed).toBe(places(shards[0]!.ranges).length);
      expect(places(published[0]!.parts.map(({ from, count }) => [from, from + count]))).toHaveLength(6_000);
      expect((await handle.query<BatchProgress>('progress')).failures).toHaveLength(1);
    });
  });
});

test('a shard that fails for good ends the batch after the others, with its reason', async () => {
  const script: BatchScript = {
    ...{ total: 100, options: { concurrency: 2 } },
    shard: async ({ ranges }, count) => {
      if (count === 1)
        throw ApplicationFailure.create({
          type: 'store-missing',
          message: 'a blob is gone',
          nonRetryable: true,
        });
      await sleep(300);
      return recorded(ranges);
    },
  };
  await withScriptedBatch(script, async ({ result, shards }) => {
    const error = await result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(String((error as WorkflowFailedError).cause?.cause)).toContain('a blob is gone');
    expect(shards).toHaveLength(2);
  });
});

async function scheduled(
  handle: {
    fetchHistory(): Promise<{ events?: { activityTaskScheduledEventAttributes?: unknown }[] | null }>;
  },
  count: number,
): Promise<void> {
  await expect
    .poll(
      async () =>
        (await handle.fetchHistory()).events?.filter((event) => event.activityTaskScheduledEventAttributes)
          .length,
      { timeout: 10_000 },
    )
    .toBe(count);
}
