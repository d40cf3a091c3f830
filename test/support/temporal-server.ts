import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';

/** Temporal's dev server as a process of its own, with its state in a file. */
export interface TestTemporalServer {
  address: string;
  pid: number;
  /** Where its state lies; gone after `stop`. */
  folder: string;
  /** SIGKILL, and waits for the end. The state stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and state. */
  restart(): Promise<void>;
  /** Ends it and removes its state. */
  stop(): Promise<void>;
}

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const STARTED_WITHIN_MS = 30_000;
/** One history shard is read 20 times a second by default, and each commit is synced: both cost tests their time. */
const RATES = ['transferProcessorMaxPollRPS', 'timerProcessorMaxPollRPS', 'visibilityProcessorMaxPollRPS'];

/** The Temporal CLI: $ASSAY_TEMPORAL, that of the project's set-up, or the one on PATH. */
export function temporalCli(): string {
  const home = process.env['ASSAY_HOME'] ?? join(ROOT, '.assay');
  const folders = [join(home, 'python', 'bin'), ...(process.env['PATH'] ?? '').split(delimiter)];
  const found = [
    process.env['ASSAY_TEMPORAL'] ?? '',
    ...folders.map((folder) => join(folder, 'temporal')),
  ].find((path) => path !== '' && existsSync(path));
  if (found) return found;
  throw new Error('there is no Temporal CLI: run `npm run setup`');
}

export async function startTestTemporalServer(): Promise<TestTemporalServer> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-test-temporal-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const args = [
    'server',
    'start-dev',
    '--headless',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    'error',
  ];
  args.push('--db-filename', join(folder, 'temporal.db'));
  args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal');
  for (const rate of RATES) args.push('--dynamic-config-value', `history.${rate}=2000`);
  // Deleted search attributes and the like are not looked up from a cache in tests.
  args.push('--dynamic-config-value', 'system.forceSearchAttributesCacheRefreshOnRead=true');
  const start = async () => {
    const child = spawn(temporalCli(), args, { stdio: ['ignore', 'ignore', 'inherit'] });
    // A run that breaks off leaves nothing running.
    process.once('exit', () => child.kill('SIGKILL'));
    await waitUntilServing(address);
    return child;
  };
  let child = await start();
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    address,
    folder,
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    restart: async () => {
      child = await start();
    },
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function waitUntilServing(address: string): Promise<void> {
  const until = Date.now() + STARTED_WITHIN_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return await connection.close();
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(100);
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
