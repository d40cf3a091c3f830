import type { ChildSpec } from './child.ts';
import { withoutOtherServers } from './other-servers.ts';

/** Search attributes of jobs and batches, all of the type Keyword. */
export const SEARCH_ATTRIBUTES = [
  'AssayVerdict',
  'AssayLanguage',
  'AssayFailure',
  'AssayTemplate',
  'AssayBatch',
] as const;

/**
 * With its default a history shard, of which the dev server has one, reads its queues at most 20 times a second, so that each
 * hop of a workflow waits for the next 50 ms tick.
 */
const POLL_RPS = 2000;

/** The server's dynamic configuration. */
export const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': POLL_RPS,
  'history.timerProcessorMaxPollRPS': POLL_RPS,
  'history.visibilityProcessorMaxPollRPS': POLL_RPS,
  // A worker that has just decided on an activity is handed it with the answer, instead of polling for it.
  'system.enableActivityEagerExecution': true,
  // Batches that wait for the same workers take turns, by their fairness keys.
  'matching.enableFairness': true,
};

export interface TemporalServerOptions {
  /** The Temporal CLI. */
  temporal: string;
  port: number;
  uiPort: number;
  /** File that holds its state. Default: none, the state is lost at its end. */
  db?: string | undefined;
  logFile: string;
  env: NodeJS.ProcessEnv;
}

/** Temporal's dev server with its Web UI, on loopback. */
export function temporalServer(options: TemporalServerOptions): ChildSpec {
  const { temporal, port, uiPort, db, logFile, env } = options;
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--ui-port',
    String(uiPort),
    '--ui-disable-news-fetch',
    '--log-level',
    'warn',
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${value}`,
    ]),
    ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
  // By default the database syncs at each commit; this survives any killed process, if not a power cut.
  if (db !== undefined)
    args.push(
      '--db-filename',
      db,
      '--sqlite-pragma',
      'journal_mode=wal',
      '--sqlite-pragma',
      'synchronous=normal',
    );
  return {
    name: 'temporal',
    command: temporal,
    args,
    // The CLI must not take an address or a key for itself from the user's environment; the collector runs a little more often for a smaller heap.
    env: { ...withoutOtherServers(env), GOGC: env['GOGC'] ?? '60' },
    isReady: (line) => line.startsWith('Temporal Server:'),
    readyWithinMs: 30_000,
    logFile,
  };
}
