import type { Config } from '../config.ts';
import type { ChildSpec } from './child.ts';
import { sourceFile } from '../home.ts';
import { eventOfLogLine } from './log-line.ts';
import { withoutOtherServers } from './other-servers.ts';
import type { Toolchain } from './toolchain.ts';

export interface WorkerProcessOptions {
  tools: Toolchain;
  config: Config;
  env: NodeJS.ProcessEnv;
  logFile: string;
}

/** By default glibc keeps a heap for each of a process's many threads, and in them what a start has used: a fifth of an idle worker. */
const LEAN_MALLOC = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' };

/** A worker as a process of its own, configured by its environment as any worker is. */
export function workerProcess({ tools, config, env, logFile }: WorkerProcessOptions): ChildSpec {
  return {
    name: 'worker',
    command: tools.node,
    args: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4', sourceFile('worker')],
    env: { ...LEAN_MALLOC, ...withoutOtherServers(env), ...environmentOf(config) },
    isReady: (line) => line.startsWith('assay worker: ready'),
    readyWithinMs: 60_000,
    eventOf: eventOfLogLine,
    logFile,
  };
}

/** A configuration as the environment variables that say the same. */
export function environmentOf(config: Config): Record<string, string> {
  const { temporal, taskQueue, storeUrl, sandbox, home } = config;
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ASSAY_TASK_QUEUE: taskQueue,
    ASSAY_STORE: storeUrl,
    ASSAY_HOME: home,
    ASSAY_SHUTDOWN_GRACE_MS: String(config.shutdownGraceMs),
    ASSAY_CONCURRENCY: String(config.concurrency),
    ASSAY_SHARDS: String(config.shards),
    ...(sandbox && { E2B_API_KEY: sandbox.apiKey }),
    ...(sandbox?.apiUrl && { E2B_API_URL: sandbox.apiUrl }),
    ...(sandbox?.sandboxUrl && { E2B_SANDBOX_URL: sandbox.sandboxUrl }),
  };
}
