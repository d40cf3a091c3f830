import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { Steps } from '../../src/activities/activities.ts';
import { Assay } from '../../src/client.ts';
import { loadConfig } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import { startWorker } from '../../src/worker.ts';
import type { RunningWorker } from '../../src/worker.ts';
import { createLogger } from '../../src/worker/logger.ts';

/** Which servers a test uses; by default those that the run has started. */
export interface StackPlace {
  temporalAddress?: string;
  sandboxUrl?: string;
  sandboxApiKey?: string;
}

/** A configuration with a task queue and a store of its own, on the servers of the run. */
export async function testConfig(place: StackPlace = {}): Promise<Config> {
  const url = place.sandboxUrl ?? inject('sandboxUrl');
  const storeUrl = await mkdtemp(join(tmpdir(), 'assay-test-store-'));
  return loadConfig({
    flags: {
      address: place.temporalAddress ?? inject('temporalAddress'),
      taskQueue: `test-${randomUUID()}`,
      storeUrl,
      sandbox: { apiKey: place.sandboxApiKey ?? inject('sandboxApiKey'), apiUrl: url, sandboxUrl: url },
    },
  });
}

/** As `testConfig`, within a test, at whose end the store is removed. */
export async function testConfigForOne(place?: StackPlace): Promise<Config> {
  const config = await testConfig(place);
  onTestFinished(() => rm(config.storeUrl, { recursive: true, force: true }));
  return config;
}

/** The same configuration as a program's environment. */
export function environmentOf({
  temporal,
  taskQueue,
  storeUrl,
  sandbox,
  home,
}: Config): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: temporal.address,
    ASSAY_TASK_QUEUE: taskQueue,
    ASSAY_STORE: storeUrl,
    ASSAY_HOME: home,
    E2B_API_KEY: sandbox?.apiKey ?? '',
    E2B_API_URL: sandbox?.apiUrl ?? '',
    E2B_SANDBOX_URL: sandbox?.sandboxUrl ?? '',
  };
}

export async function connectTo({ temporal, taskQueue, storeUrl, home }: Config): Promise<Assay> {
  return await Assay.connect({ ...temporal, taskQueue, storeUrl, home });
}

/** A client, and a worker in this process. */
export interface Stack {
  assay: Assay;
  config: Config;
  worker: RunningWorker;
  stop(): Promise<void>;
}

/** @param steps Default: the real ones. */
export async function startStack(steps?: Steps, place?: StackPlace): Promise<Stack> {
  const config = await testConfig(place);
  const worker = await startWorker(config, { steps, logger: createLogger('fatal') });
  const assay = await connectTo(config);
  const stop = async () => {
    await assay.close();
    await worker.stop();
    await rm(config.storeUrl, { recursive: true, force: true });
  };
  return { assay, config, worker, stop };
}
