import { Command } from 'commander';
import type { Stack } from '../embedded/stack.ts';
import { startStack } from '../embedded/stack.ts';
import type { StackEvent } from '../embedded/stack-event.ts';
import { UsageError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { printableLine } from './printable.ts';
import { style } from './style.ts';

interface DevOptions {
  db?: string;
  ephemeral?: boolean;
  port?: number;
  uiPort?: number;
  sandboxPort?: number;
  store?: string;
  taskQueue?: string;
  internet?: boolean;
}

/** `assay dev`: the whole stack in one terminal. */
export function devCommand(): Command {
  return new Command('dev')
    .summary('run all of Assay on this machine: Temporal, sandboxes and a worker')
    .description(
      'Runs Temporal with its Web UI, the local sandbox server and a worker until Ctrl-C. Other commands find it by themselves.',
    )
    .option('--db <file>', "file of Temporal's state (default: data/temporal.db in Assay's home)")
    .option('--ephemeral', 'keep no state')
    .option('--port <n>', "Temporal's port (default: 7233 or the next free one)", port('--port'))
    .option('--ui-port <n>', "the Web UI's port (default: 8233 or the next free one)", port('--ui-port'))
    .option(
      '--sandbox-port <n>',
      "the sandbox server's port (default: 7280 or the next free one)",
      port('--sandbox-port'),
    )
    .option('--store <url>', "where blobs go (default: ASSAY_STORE, or store in Assay's home)")
    .option('--task-queue <name>', 'task queue of the worker (default: assay)')
    .option('--internet', 'let sandboxes that ask for it reach the internet')
    .addHelpText('after', '\nExamples:\n  assay dev\n  assay dev --ephemeral --ui-port 9000')
    .action(runDev);
}

async function runDev(options: DevOptions): Promise<void> {
  if (options.db !== undefined && options.ephemeral)
    throw new UsageError('give --db or --ephemeral, not both');
  const lines = new HeldLines();
  const signals = new StopSignals();
  let stack: Stack;
  try {
    stack = await startStack({
      kind: 'dev',
      db: options.db,
      ephemeral: options.ephemeral,
      ports: { temporal: options.port, ui: options.uiPort, sandbox: options.sandboxPort },
      storeUrl: options.store,
      taskQueue: options.taskQueue,
      allowInternet: options.internet,
      onEvent: (event) => lines.add(lineOf(event)),
      signal: signals.first,
    });
  } catch (error) {
    lines.release();
    if (!signals.first.aborted) throw error;
    process.exitCode = EXIT.interrupted;
    return;
  }
  console.log(addresses(stack));
  lines.release();
  await signals.aborted(signals.first);
  console.log(say('stopping: running steps may take 30 s to end; Ctrl-C again stops at once'));
  signals.second.addEventListener('abort', () => void stack.stop({ now: true }));
  await stack.stop();
  console.log(say(signals.second.aborted ? 'stopped at once' : 'stopped'));
  process.exitCode = signals.second.aborted ? EXIT.interrupted : EXIT.passed;
}

/** Addresses come first: events wait until they are printed. */
class HeldLines {
  #held: string[] | undefined = [];

  add(line: string): void {
    if (this.#held) this.#held.push(line);
    else console.log(line);
  }

  release(): void {
    for (const line of this.#held ?? []) console.log(line);
    this.#held = undefined;
  }
}

/** Ctrl-C, a closed terminal or `kill`: the first asks, the second insists. */
class StopSignals {
  readonly #first = new AbortController();
  readonly #second = new AbortController();
  readonly first = this.#first.signal;
  readonly second = this.#second.signal;

  constructor() {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => (this.first.aborted ? this.#second : this.#first).abort());
  }

  aborted(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      // Signal handlers do not keep a process alive; the pipes of its children do.
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

function addresses({ config, uiUrl, db }: Stack): string {
  const { temporal, taskQueue, storeUrl, sandbox } = config;
  const rows = [
    ['Web UI', uiUrl],
    ['Temporal', `${temporal.address} (namespace ${temporal.namespace}, task queue ${taskQueue})`],
    ['Sandboxes', String(sandbox?.apiUrl)],
    ['Store', storeUrl],
    ['State', db ?? 'kept nowhere (--ephemeral)'],
    [
      'E2B SDK',
      `E2B_API_URL=${sandbox?.apiUrl} E2B_SANDBOX_URL=${sandbox?.sandboxUrl} E2B_API_KEY=${sandbox?.apiKey}`,
    ],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${style('bold', name.padEnd(10))} ${value}`);
  return ['Assay runs on this machine; Ctrl-C stops it.', ...lines, ''].join('\n');
}

const COLOURS = { info: 'dim', warn: 'yellow', error: 'red' } as const;

function lineOf({ source, level, text }: StackEvent): string {
  const time = new Date().toTimeString().slice(0, 8);
  return `${style('dim', time)}  ${style('cyan', source.padEnd(9))}  ${style(COLOURS[level], printableLine(text))}`;
}

const say = (text: string) => lineOf({ source: 'stack', level: 'info', text });

function port(option: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > 65_535)
      throw new UsageError(`${option} must be a port, 1 to 65535, not ${text}`);
    return number;
  };
}
