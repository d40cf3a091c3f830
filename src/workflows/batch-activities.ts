import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { BatchActivities, BatchInput } from '../domain/batch.ts';

const retry = { initialInterval: 100, backoffCoefficient: 2, maximumInterval: '10s' } as const;

/** The activities of a batch. Shards have a queue of their own, so that single jobs never wait behind them. */
export function batchActivities({ batchId, options }: BatchInput, taskQueue: string): BatchActivities {
  const { runShard } = proxyActivities<BatchActivities>({
    taskQueue: `${taskQueue}-shards`,
    startToCloseTimeout: '30d',
    heartbeatTimeout: '10s',
    retry,
    // A shard that is told to stop gives back what it has.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    priority: { priorityKey: options.priority, fairnessKey: batchId.slice(0, 64) },
    summary: 'Run a shard',
  });
  const { publishBatch } = proxyActivities<BatchActivities>({
    startToCloseTimeout: '1h',
    heartbeatTimeout: '30s',
    retry,
    summary: 'Publish the results',
  });
  return { runShard, publishBatch };
}
