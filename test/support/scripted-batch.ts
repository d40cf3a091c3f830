import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { BatchOptions } from '../../src/domain/batch.ts';
import type {
  BatchInput,
  BatchResult,
  ItemRange,
  PublishInput,
  RunShardInput,
  ShardOutcome,
} from '../../src/domain/batch.ts';
import type { Verdict } from '../../src/domain/job-result.ts';
import { assayHome } from '../../src/home.ts';
import { createLogger, temporalLogger } from '../../src/worker/logger.ts';
import { WORKER_TUNING } from '../../src/worker/start-worker.ts';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';

/** What a shard does, asked for the count-th time over all shards. Default: each of its items passes, 500 ms an item. */
export type ShardScript = (input: RunShardInput, count: number) => ShardOutcome | Promise<ShardOutcome>;

export interface ScriptedBatch {
  handle: WorkflowHandle;
  /** What the shards were asked for, in the order in which they began. */
  shards: RunShardInput[];
  /** The most shards that were at work at once. */
  most(): number;
  /** What was published, each time. */
  published: PublishInput[];
  result(): Promise<BatchResult>;
}

export interface BatchScript {
  total: number;
  options?: Partial<BatchInput['options']>;
  shard?: ShardScript;
  /** Whether anyone takes shards from their queue. Default: true */
  shardWorker?: boolean;
}

const SHA256 = '0'.repeat(64);
const none = { passed: 0, failed: 0, rejected: 0, error: 0, cached: 0, flaky: 0 };

/** The items of these ranges with one verdict each. */
export function recorded(
  ranges: ItemRange[],
  {
    verdict = 'passed',
    left = [],
    msAnItem = 500,
  }: { verdict?: Verdict; left?: ItemRange[]; msAnItem?: number } = {},
): ShardOutcome {
  const count = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  const from = ranges[0]?.[0] ?? 0;
  const blob = { ref: `blob:${from}-${count}`, bytes: 1, sha256: SHA256 };
  const failures =
    verdict === 'passed' ? [] : [{ id: `item-${from}`, verdict, sentence: `item-${from} did not pass` }];
  return {
    parts: count === 0 ? [] : [{ blob, from, count }],
    counts: { ...none, [verdict]: count },
    failures,
    left,
    busyMs: count * msAnItem,
  };
}

/** Waits until the shard is told to stop, then gives back what it has not done. */
export async function untilStopped(done: ItemRange[], left: ItemRange[]): Promise<ShardOutcome> {
  const { cancelled, heartbeat } = Context.current();
  const beat = setInterval(() => heartbeat(), 200);
  await cancelled.catch(() => undefined).finally(() => clearInterval(beat));
  return recorded(done, { left });
}

/** Every place that these ranges hold, sorted. */
export function places(ranges: ItemRange[]): number[] {
  return ranges
    .flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at))
    .toSorted((a, b) => a - b);
}

/** Runs a batch's real workflow on the real server, with shards that do as the script says. */
export async function withScriptedBatch<T>(
  { total, options, shard = ({ ranges }) => recorded(ranges), shardWorker = true }: BatchScript,
  use: (batch: ScriptedBatch) => Promise<T>,
): Promise<T> {
  if (!Runtime._instance)
    Runtime.install({ logger: temporalLogger(createLogger('fatal')), shutdownSignals: [] });
  const address = inject('temporalAddress');
  const taskQueue = `scripted-${randomUUID()}`;
  const batchId = `batch-${randomUUID()}`;
  const { name: _, defaults: __, skipBad: ___, ...parsed } = BatchOptions.parse(options ?? {});
  const input: BatchInput = {
    ...{ batchId, total, options: parsed, indexed: false },
    items: { ref: 'blob:items', bytes: 1, sha256: SHA256 },
  };
  const shards: RunShardInput[] = [];
  const published: PublishInput[] = [];
  let running = 0;
  let most = 0;
  const runShard = async (asked: RunShardInput): Promise<ShardOutcome> => {
    shards.push(asked);
    running += 1;
    most = Math.max(most, running);
    try {
      return await shard(asked, shards.length);
    } finally {
      running -= 1;
    }
  };
  const publishBatch = (asked: PublishInput) => {
    published.push(asked);
    return Promise.resolve({ results: { ref: 'blob:results', bytes: 1, sha256: SHA256 } });
  };

  const connection = await NativeConnection.connect({ address });
  const clientConnection = await Connection.connect({ address });
  try {
    const workers = [
      await Worker.create({
        ...{ connection, taskQueue, activities: { publishBatch } },
        workflowBundle: await workflowBundle(assayHome()),
        ...WORKER_TUNING,
      }),
    ];
    if (shardWorker)
      workers.push(
        await Worker.create({
          ...{ connection, taskQueue: `${taskQueue}-shards`, activities: { runShard } },
          ...WORKER_TUNING,
        }),
      );
    const client = new Client({ connection: clientConnection });
    const stopped = Promise.all(workers.map((worker) => worker.run()));
    const handle = await client.workflow.start('batchValidation', {
      ...{ taskQueue, workflowId: batchId, args: [input] },
    });
    try {
      const result = () => client.workflow.getHandle(batchId).result() as Promise<BatchResult>;
      return await use({
        handle: client.workflow.getHandle(batchId),
        shards,
        most: () => most,
        published,
        result,
      });
    } finally {
      await handle.terminate('the test is over').catch(() => undefined);
      for (const worker of workers) worker.shutdown();
      await stopped;
    }
  } finally {
    await clientConnection.close();
    await connection.close();
  }
}
