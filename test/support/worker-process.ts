import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config.ts';
import { environmentOf } from './stack.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A worker as a process of its own. */
export interface WorkerProcess {
  pid: number;
  /** What it has printed on stdout. */
  lines: string[];
  /** Resolves with the exit code, null where a signal ended it. */
  exited: Promise<number | null>;
  /** Waits for a line that begins with this. */
  line(beginning: string): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** The verbs in whose middle a halting worker can stand still. */
export type Verb =
  | 'validateCode'
  | 'openSandbox'
  | 'executeCode'
  | 'runTests'
  | 'collectArtifacts'
  | 'closeSandbox';

/** Starts `src/worker.ts`, or one that stands still in the middle of a verb, and waits until it is ready. */
export async function startWorkerProcess(config: Config, haltIn?: Verb): Promise<WorkerProcess> {
  const worker = spawnWorker(environmentOf(config), haltIn);
  await worker.line('assay worker: ready');
  return worker;
}

export function spawnWorker(
  env: Record<string, string>,
  haltIn?: Verb,
): WorkerProcess & { stderr: string[] } {
  const script = haltIn ? join(ROOT, 'test', 'support', 'halting-worker.ts') : join(ROOT, 'src', 'worker.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, ...(haltIn ? [haltIn] : [])];
  const { PATH = '', HOME = '', NODE_OPTIONS = '' } = process.env;
  const options = {
    env: { PATH, HOME, NODE_OPTIONS, ASSAY_LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'pipe'] as const,
  };
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  // A test that runs out of time leaves nothing running.
  const orphan = () => void child.kill('SIGKILL');
  process.once('exit', orphan);
  const lines: string[] = [];
  const stderr: string[] = [];
  const stdout = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  const exited = once(child, 'exit').then(([code]) => {
    process.off('exit', orphan);
    return code as number | null;
  });
  return {
    pid: child.pid ?? 0,
    lines,
    stderr,
    exited,
    line: async (beginning) => {
      const printed = () => lines.find((line) => line.startsWith(beginning));
      while (!printed()) {
        const ended = await Promise.race([exited.then(() => true), once(stdout, 'line').then(() => false)]);
        if (ended && !printed()) throw new Error(`the worker has ended:\n${stderr.join('\n')}`);
      }
      return printed() as string;
    },
    signal: (signal) => void child.kill(signal),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
