import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { DEFAULT_TASK_QUEUE } from '../task-queue.ts';
import { Child, ChildFailedError } from './child.ts';
import { claimDatabase, releaseDatabase } from './database-claim.ts';
import { Guard } from './guard.ts';
import { endLeftovers } from './leftovers.ts';
import { settlePorts, type PortWish } from './ports.ts';
import { identityOf, type ProcessIdentity } from './process-identity.ts';
import { sandboxProcess } from './sandbox-process.ts';
import { ensureTools } from './set-up.ts';
import type { OnStackEvent } from './stack-event.ts';
import { recordPath, removeRecord, writeRecord, type StackRecord } from './stack-record.ts';
import { StackBusyError } from './stack-busy-error.ts';
import { temporalServer } from './temporal-server.ts';
import { findToolchain, type Toolchain } from './toolchain.ts';
import { workerProcess } from './worker-process.ts';

export interface StackOptions {
  /** `dev` is found by other commands and has fixed ports; `command` is for one command. Default `command`. */
  kind?: StackRecord['kind'] | undefined;
  /** File of Temporal's state. Default `data/temporal.db` in Assay's home. */
  db?: string | undefined;
  /** Keep no state. Default false. */
  ephemeral?: boolean | undefined;
  /** Ports asked for by name. Default: for `dev` the usual ones or the next free, for `command` any free. */
  ports?:
    | { temporal?: number | undefined; ui?: number | undefined; sandbox?: number | undefined }
    | undefined;
  /** Task queue of the worker. Default `assay`. */
  taskQueue?: string | undefined;
  /** Where blobs go. Default `ASSAY_STORE`, else `store` in Assay's home. */
  storeUrl?: string | undefined;
  /** Lets sandboxes that ask for it reach the internet. Default false. */
  allowInternet?: boolean | undefined;
  /** Workers to run, 0 or 1. Default 1. */
  workers?: 0 | 1 | undefined;
  onEvent?: OnStackEvent | undefined;
  /** Gives up a start: what was started is ended at once, and the signal's reason is thrown. */
  signal?: AbortSignal | undefined;
  env?: NodeJS.ProcessEnv | undefined;
}

/** A running stack. */
export interface Stack {
  config: Config;
  uiUrl: string;
  /** The file of Temporal's state; undefined where none is kept. */
  db: string | undefined;
  /** Aborted with a ChildFailedError where one of its parts ends again and again. Only a stack of one command gives up; `dev` tries on. */
  failed: AbortSignal;
  /** The processes as they are now, for measurements and tests. */
  processes(): (ProcessIdentity & { name: string })[];
  /** Drains the worker, ends everything and removes what was temporary. `now` does so without draining, also during a stop. */
  stop(options?: { now?: boolean }): Promise<void>;
}

export const USUAL_PORTS = { temporal: 7233, ui: 8233, sandbox: 7280 };
const DRAIN_MS = 30_000;
/** Steps that the worker runs at once. */
const DEFAULT_CONCURRENCY = 20;
/** What a worker that had to give up on a step still needs to say so. */
const DRAIN_MARGIN_MS = 5_000;
const SANDBOX_GRACE_MS = 5_000;
const TEMPORAL_GRACE_MS = 5_000;
/** With the waits between them, ends for about 15 s: what does not run by then will not while a command waits for it. */
const MAXIMUM_DEATHS = 6;

/**
 * Starts Temporal's dev server, the local sandbox server and a worker, side by side, and resolves when all are ready.
 * @throws ToolMissingError · PortTakenError · StackBusyError · ChildFailedError; nothing is left running then
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { kind = 'command', onEvent = () => undefined, env = process.env } = options;
  const tools = await ensureTools(findToolchain, env);
  await endLeftovers(tools.home, onEvent);
  const wish = (name: keyof typeof USUAL_PORTS, option: string): PortWish => ({
    wanted: options.ports?.[name],
    usual: kind === 'dev' ? USUAL_PORTS[name] : undefined,
    option,
  });
  const wishes = {
    temporal: wish('temporal', '--port'),
    ui: wish('ui', '--ui-port'),
    sandbox: wish('sandbox', '--sandbox-port'),
  };
  for (let triesLeft = 2; ; triesLeft -= 1) {
    const ports = await settlePorts(wishes);
    try {
      return await new EmbeddedStack(tools, ports, options, kind, onEvent, env).start(options.signal);
    } catch (error) {
      // Another program was quicker with a port that was free a moment ago.
      if (!(error instanceof ChildFailedError && error.portTaken && triesLeft > 0)) throw error;
    }
  }
}

class EmbeddedStack implements Stack {
  readonly config: Config;
  readonly uiUrl: string;
  readonly db: string | undefined;
  readonly #failed = new AbortController();
  readonly failed = this.#failed.signal;
  readonly #onEvent: OnStackEvent;
  readonly #tempDir: string;
  readonly #recordPath: string;
  readonly #record: StackRecord;
  readonly #guard = new Guard();
  readonly #kind: StackRecord['kind'];
  readonly #temporal: Child;
  readonly #sandboxes: Child;
  readonly #worker: Child | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    tools: Toolchain,
    ports: { temporal: number; ui: number; sandbox: number },
    options: StackOptions,
    kind: StackRecord['kind'],
    onEvent: OnStackEvent,
    env: NodeJS.ProcessEnv,
  ) {
    this.#kind = kind;
    this.#onEvent = onEvent;
    const owner = identityOf(process.pid) as ProcessIdentity;
    const dataDir = join(tools.home, 'data');
    const logDir = join(tools.home, 'logs');
    for (const folder of [dataDir, logDir]) mkdirSync(folder, { recursive: true });
    this.db = options.ephemeral
      ? undefined
      : this.#claim(resolve(options.db ?? join(dataDir, 'temporal.db')), owner);
    this.#tempDir = realpathSync(mkdtempSync(join(env['TMPDIR'] || tmpdir(), 'assay-')));
    this.#guard.folder(this.#tempDir);

    const sandboxUrl = `http://127.0.0.1:${ports.sandbox}`;
    const apiKey = `e2b_${randomBytes(20).toString('hex')}`;
    this.config = {
      temporal: { address: `127.0.0.1:${ports.temporal}`, namespace: 'default' },
      taskQueue: options.taskQueue ?? DEFAULT_TASK_QUEUE,
      storeUrl: options.storeUrl ?? (env['ASSAY_STORE'] || join(tools.home, 'store')),
      sandbox: { apiKey, apiUrl: sandboxUrl, sandboxUrl },
      home: tools.home,
      shutdownGraceMs: DRAIN_MS,
      concurrency: DEFAULT_CONCURRENCY,
      shards: availableParallelism(),
    };
    this.uiUrl = `http://127.0.0.1:${ports.ui}`;
    this.#recordPath = recordPath(tools.home, kind, process.pid);
    this.#record = {
      kind,
      owner,
      children: [],
      db: this.db,
      tempDir: this.#tempDir,
      startedAt: new Date().toISOString(),
    };

    const childEnv = {
      ...env,
      TMPDIR: this.#tempDir,
      ASSAY_HOME: tools.home,
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tools.home, 'cache/node'),
    };
    const log = (name: string) => join(logDir, `${kind}-${name}.log`);
    const child = (spec: ConstructorParameters<typeof Child>[0]) => {
      const maximumDeaths = kind === 'command' ? MAXIMUM_DEATHS : undefined;
      const started = new Child({ ...spec, maximumDeaths }, this.#guard, onEvent);
      started.onGiveUp = (error) => this.#failed.abort(error);
      started.onRestart = () => this.#keepRecord();
      return started;
    };
    this.#temporal = child(
      temporalServer({
        temporal: tools.temporal,
        port: ports.temporal,
        uiPort: ports.ui,
        db: this.db,
        env: childEnv,
        logFile: log('temporal'),
      }),
    );
    this.#sandboxes = child(
      sandboxProcess({
        tools,
        port: ports.sandbox,
        apiKey,
        stateDir: join(this.#tempDir, 'sandboxes'),
        allowInternet: options.allowInternet,
        env: childEnv,
        logFile: log('sandboxes'),
      }),
    );
    if (options.workers !== 0)
      this.#worker = child(
        workerProcess({ tools, config: this.config, env: childEnv, logFile: log('worker') }),
      );
  }

  async start(signal?: AbortSignal): Promise<this> {
    const giveUp = () => void this.stop({ now: true });
    signal?.addEventListener('abort', giveUp);
    const temporal = this.#temporal.start();
    // The worker loads its code meanwhile; by then Temporal answers, unless the machine is busy.
    const starting = [temporal, this.#sandboxes.start(), this.#worker?.start(temporal)];
    this.#keepRecord();
    try {
      await Promise.all(starting);
      signal?.throwIfAborted();
    } catch (error) {
      await this.stop({ now: true });
      await Promise.allSettled(starting);
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
    this.#record.config = this.config;
    this.#record.uiUrl = this.uiUrl;
    this.#keepRecord();
    return this;
  }

  processes(): (ProcessIdentity & { name: string })[] {
    return this.#children().flatMap((child) =>
      child.identity ? [{ name: child.name, ...child.identity }] : [],
    );
  }

  stop({ now = false }: { now?: boolean } = {}): Promise<void> {
    if (now) for (const child of this.#children()) void child.stop(0);
    return (this.#stopped ??= this.#stop(now));
  }

  async #stop(now: boolean): Promise<void> {
    // The worker first, as it needs the others for its last words.
    await this.#worker?.stop(now ? 0 : DRAIN_MS + DRAIN_MARGIN_MS);
    // The database survives a killed server, so that a single command need not wait a second for a polite end.
    const polite = !now && this.#kind === 'dev';
    await Promise.all([
      this.#sandboxes.stop(now ? 0 : SANDBOX_GRACE_MS),
      this.#temporal.stop(polite ? TEMPORAL_GRACE_MS : 0),
    ]);
    rmSync(this.#tempDir, { recursive: true, force: true });
    if (this.db !== undefined) releaseDatabase(this.db);
    removeRecord(this.#recordPath);
    await this.#guard.release();
  }

  #children(): Child[] {
    return [this.#temporal, this.#sandboxes, ...(this.#worker ? [this.#worker] : [])];
  }

  #keepRecord(): void {
    if (this.#stopped) return;
    this.#record.children = this.processes();
    writeRecord(this.#recordPath, this.#record);
  }

  #claim(db: string, owner: ProcessIdentity): string | undefined {
    mkdirSync(dirname(db), { recursive: true });
    const other = claimDatabase(db, { ...owner, kind: this.#kind });
    if (other === undefined) return db;
    if (this.#kind === 'dev') {
      void this.#guard.release();
      throw new StackBusyError(db, other);
    }
    const text = `${db} is in use by another command (pid ${other.pid}); this one keeps no history`;
    this.#onEvent({ source: 'stack', level: 'warn', text });
    return undefined;
  }
}
