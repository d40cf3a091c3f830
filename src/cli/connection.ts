import { Assay } from '../client/assay.ts';
import type { Config, ConfigFlags } from '../config.ts';
import { assayHome } from '../home.ts';
import { findRunningStack } from '../embedded/stack-record.ts';
import type { StackEvent } from '../embedded/stack-event.ts';
import { namesServer } from '../temporal-profile.ts';
import { UsageError } from './cli-error.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { printableLine } from './printable.ts';

export interface Connection {
  assay: Assay;
  /** Of the stack on this machine; elsewhere it is not known. */
  uiUrl?: string | undefined;
  /** Configuration of the stack on this machine, its sandbox server included. */
  stack?: Config | undefined;
  /** Whether the server lives only as long as this command. */
  embedded: boolean;
  /** Aborted where the server of this command is given up; the reason says why. */
  failed?: AbortSignal | undefined;
  close(): Promise<void>;
}

export interface ConnectNeeds {
  /** The command must find a server that outlives it: the sentence that says so where there is none. */
  lasting?: string;
  /** Whether jobs are to make progress. Default: true; false starts no worker where the stack is the command's own. */
  worker?: boolean;
  /** `dev` lets other commands find the stack. Default: `command` */
  kind?: 'dev' | 'command';
  /** Whether the line that says so is left out when a stack is started. Default: false */
  silent?: boolean;
  /** Gives up a start. */
  signal?: AbortSignal | undefined;
}

/** A server by flags, else by environment and temporal.toml, else a running `assay dev`, else a stack for the length of the command. */
export async function connect(options: ConnectionOptions, needs: ConnectNeeds = {}): Promise<Connection> {
  const flags: ConfigFlags = {
    address: options.address,
    namespace: options.namespace,
    profile: options.profile,
    taskQueue: options.taskQueue,
    storeUrl: options.store,
  };
  const { address, namespace, profile } = options;
  const named = address ?? namespace ?? profile ?? namesServer(process.env);
  return named ? connected(await Assay.connect(flags)) : connectHere(flags, needs);
}

/** A running `assay dev`, else a stack for the length of the command. */
export async function connectHere(flags: ConfigFlags, needs: ConnectNeeds = {}): Promise<Connection> {
  const running = findRunningStack(assayHome());
  if (running) return connected(await Assay.connect(toStack(running.config, flags)), running);
  if (needs.lasting !== undefined) throw new UsageError(needs.lasting);
  return embedded(flags, needs);
}

function connected(assay: Assay, stack?: { config: Config; uiUrl?: string | undefined }): Connection {
  return { assay, uiUrl: stack?.uiUrl, stack: stack?.config, embedded: false, close: () => assay.close() };
}

async function embedded(
  flags: ConfigFlags,
  { worker = true, kind = 'command', silent = false, signal }: ConnectNeeds,
): Promise<Connection> {
  if (!silent)
    process.stderr.write(
      'assay: no server is running, so one is started for this command (assay dev keeps one)\n',
    );
  // Loaded only here: most commands talk to a server that is there.
  const { startStack } = await import('../embedded/stack.ts');
  const stack = await startStack({
    kind,
    taskQueue: flags.taskQueue,
    storeUrl: flags.storeUrl,
    workers: worker ? 1 : 0,
    onEvent: tellTrouble,
    signal,
  });
  try {
    const assay = await Assay.connect(toStack(stack.config, flags));
    const close = async () => {
      await assay.close();
      await stack.stop({ now: stack.failed.aborted });
    };
    return { assay, uiUrl: stack.uiUrl, stack: stack.config, embedded: true, failed: stack.failed, close };
  } catch (error) {
    await stack.stop({ now: true });
    throw error;
  }
}

function toStack(
  { temporal, taskQueue, storeUrl, home }: Config,
  flags: ConfigFlags,
): ConfigFlags & { env: NodeJS.ProcessEnv } {
  return {
    address: temporal.address,
    namespace: temporal.namespace,
    taskQueue: flags.taskQueue ?? taskQueue,
    storeUrl: flags.storeUrl ?? storeUrl,
    home,
    // The stack says all there is to say; the environment would speak of another server.
    env: {},
  };
}

/** What the worker says of a job, the job's own result says better; `ASSAY_DEBUG=1` shows all. */
function tellTrouble({ level, source, text }: StackEvent): void {
  const matters = level === 'error' || (level === 'warn' && source !== 'worker');
  if (matters || process.env['ASSAY_DEBUG'] === '1')
    process.stderr.write(`assay: ${source}: ${printableLine(text)}\n`);
}
