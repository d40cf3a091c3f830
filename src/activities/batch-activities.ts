import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { BatchActivities, ShardWorker } from '../domain/batch.ts';
import type { ActivityDependencies } from './activities.ts';
import { RunNotes } from './schedule/run-notes.ts';
import { Parked } from './shard/parked.ts';
import { publish } from './shard/publish.ts';
import { runShard } from './shard/run-shard.ts';
import { ShardItems } from './shard/shard-items.ts';
import { toFailure } from './to-failure.ts';

const HEARTBEAT_EVERY_MS = 1_000;
/** How long trouble that keeps a whole shard from its work is waited out, such as a store that is away, in ms. */
const PATIENCE_MS = 600_000;

/** The activities of a batch, over these parts, on a worker that runs so many shards at once. */
export function createBatchActivities({
  store,
  sandboxes,
  shards,
}: Pick<ActivityDependencies, 'store' | 'sandboxes'> & { shards: number }): BatchActivities {
  const worker: ShardWorker = { id: randomUUID(), shards };
  const items = new ShardItems(store);
  const parked = new Parked(sandboxes);
  return {
    runShard: (input) =>
      alive(async (progress) => {
        const { info, cancellationSignal: signal } = Context.current();
        const shardId = `${info.workflowExecution?.runId}-${info.activityId}`;
        const owner = `assay/${info.workflowNamespace}`;
        // Told to stop, because the worker stops or the batch is cancelled, it gives back what there is.
        const outcome = await runShard(
          input,
          { store, sandboxes, items, parked },
          { shardId, number: info.attempt, owner, signal, onProgress: (done) => (progress.done = done) },
        );
        return { ...outcome, worker };
      }),
    publishBatch: (input) =>
      alive(async () => {
        // Whatever still waits for a shard, or was left by a worker that is dead.
        await sandboxes.closeAllOf({ jobId: input.batchId }).catch(() => 0);
        const published = await publish(input, store);
        if (input.run) {
          // So that later runs of its schedule know of it, even where its run was terminated, and compares nothing.
          const { series, startedAt } = input.run;
          const times = { startedAt, publishedAt: new Date().toISOString() };
          await new RunNotes(store, series).put({
            batchId: input.batchId,
            partial: true,
            ...times,
            ...published,
          });
        }
        return published;
      }),
  };
}

/** What is told of an activity while it runs, and what its next try hears of it. */
interface Progress {
  done: number;
  /** Since when it has been kept from its work, over all tries without progress, as ms since 1970. */
  troubleSinceMs?: number;
}

async function alive<T>(work: (progress: Progress) => Promise<T>): Promise<T> {
  const { info, cancellationSignal: signal, heartbeat } = Context.current();
  const progress: Progress = { done: 0 };
  const beat = setInterval(() => heartbeat(progress), HEARTBEAT_EVERY_MS);
  try {
    return await work(progress);
  } catch (error) {
    // Time that it waited for a worker, or worked, is no trouble.
    const earlier = progress.done === 0 ? (info.heartbeatDetails as Progress | undefined) : undefined;
    progress.troubleSinceMs = earlier?.troubleSinceMs ?? Date.now();
    heartbeat(progress);
    const waitedMs = Date.now() - progress.troubleSinceMs;
    throw toFailure(error, {
      number: info.attempt,
      waitedMs,
      patienceMs: PATIENCE_MS,
      sameSandbox: false,
      signal,
    });
  } finally {
    clearInterval(beat);
  }
}
