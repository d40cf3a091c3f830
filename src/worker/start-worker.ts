import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from '../activities/activities.ts';
import { createBatchActivities } from '../activities/batch-activities.ts';
import { createScheduleActivities } from '../activities/schedule-activities.ts';
import type { Steps } from '../activities/activities.ts';
import { ensureSearchAttributes } from '../client/search-attributes.ts';
import { fromServer } from '../client/server-errors.ts';
import { sandboxOf } from '../config.ts';
import type { Config } from '../config.ts';
import { Sandboxes } from '../sandboxes/sandboxes.ts';
import { openStore } from '../store/open-store.ts';
import { payloadStorage } from '../store/payload-storage.ts';
import { createLogger, temporalLogger } from './logger.ts';
import { workflowBundle } from './workflow-bundle.ts';

/** A worker at work. */
export interface RunningWorker {
  /** Settles when the worker has stopped; rejects where it failed. */
  readonly stopped: Promise<void>;
  /** Takes no new work, lets running steps end for `shutdownGraceMs`, and resolves when all is done. */
  stop(): Promise<void>;
}

export interface WorkerParts {
  /** Default: those in `src/steps`. */
  steps?: Steps | undefined;
  /** Default: JSON on stderr. */
  logger?: Logger | undefined;
}

/** What a worker needs besides its connection: the same for every worker of Assay. */
export const WORKER_TUNING = {
  // Heartbeats carry cancellations, which are to arrive within about a second.
  maxHeartbeatThrottleInterval: 1_000,
  defaultHeartbeatThrottleInterval: 1_000,
  maxCachedWorkflows: 100,
  stickyQueueScheduleToStartTimeout: 5_000,
} satisfies Partial<WorkerOptions>;

/** Starts a worker. Throws ConfigError, StoreError, UnreachableServerError, AuthenticationError, NamespaceNotFoundError. */
export async function startWorker(
  config: Config,
  { steps, logger = createLogger() }: WorkerParts = {},
): Promise<RunningWorker> {
  const sandboxes = new Sandboxes(sandboxOf(config));
  const store = openStore(config.storeUrl);
  installRuntime(logger);
  const [bundle, jobSteps, connection] = await Promise.all([
    workflowBundle(config.home),
    steps ?? import('../steps/index.ts'),
    connect(config),
  ]);
  const { namespace } = config.temporal;
  try {
    await ensureSearchAttributes(connection, namespace);
    const { publishBatch, runShard } = createBatchActivities({ store, sandboxes, shards: config.shards });
    const common = {
      connection,
      namespace,
      dataConverter: { externalStorage: payloadStorage(store) },
      shutdownGraceTime: config.shutdownGraceMs,
      ...WORKER_TUNING,
    };
    const worker = await Worker.create({
      ...common,
      taskQueue: config.taskQueue,
      workflowBundle: bundle,
      activities: {
        ...createActivities({ store, sandboxes, steps: jobSteps, concurrency: config.concurrency }),
        publishBatch,
        ...createScheduleActivities({ store, webhookSecret: config.webhookSecret }),
      },
      maxConcurrentActivityTaskExecutions: config.concurrency,
    });
    const shardWorker = await Worker.create({
      ...common,
      taskQueue: `${config.taskQueue}-shards`,
      activities: { runShard },
      maxConcurrentActivityTaskExecutions: config.shards,
    });
    const workers = [worker, shardWorker];
    const stop = (): void => {
      for (const one of workers) if (one.getState() === 'RUNNING') one.shutdown();
    };
    const stopped = Promise.all(workers.map((one) => one.run().finally(stop)))
      .then(() => undefined)
      .finally(() => connection.close());
    // Whoever does not ask still hears of it by `stop`.
    stopped.catch(() => undefined);
    return {
      stopped,
      stop: async () => {
        stop();
        await stopped;
      },
    };
  } catch (error) {
    await connection.close();
    throw fromServer(error, config.temporal);
  }
}

async function connect({ temporal }: Config): Promise<NativeConnection> {
  const { address, apiKey, tls, metadata } = temporal;
  try {
    return await NativeConnection.connect({
      address,
      ...(tls !== undefined && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata !== undefined && { metadata }),
    });
  } catch (error) {
    throw fromServer(error, temporal);
  }
}

/** Once a process: Temporal's runtime is a singleton. Signals are for the program to handle, not for a library. */
function installRuntime(logger: Logger): void {
  if (Runtime._instance) return;
  Runtime.install({ logger: temporalLogger(logger), shutdownSignals: [] });
}
