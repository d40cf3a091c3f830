import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createHmac, randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import { createInterface } from 'node:readline';

import type { Logger } from 'pino';

import type { SandboxLimits, TemplateOptions } from '../options.ts';
import type { GuestLink } from './guest-link.ts';
import { zygoteName, type GuestListener } from './guest-listener.ts';
import { hasMountRights, nestArgs, type NestParts } from './nest-args.ts';
import type { ProcessRecord } from './process-record.ts';

const LOAD_TIMEOUT_MS = 60_000;
/** One load that fails may be chance, such as the last of the machine's memory. */
const LOADS_UNTIL_BROKEN = 2;
const FIRST_RESTART_MS = 250;
const LAST_RESTART_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;
const LAST_WORDS_MS = 200;
const MAX_LOG_LINE = 2_000;

/** What a zygote is told to make. */
export interface SpawnRequest extends Record<string, unknown> {
  /** As {@link Nest.nameOf} has it. */
  name: string;
  /** Opens the way to the server once, for the sandbox's supervisor. */
  token: string;
  limits: SandboxLimits;
  internet: boolean;
  /** Folders right under `/` that it has beside the usual ones. */
  folders?: string[];
  /** Where commands run that name no folder; its home by default. */
  cwd?: string;
  /** Volumes that it has. */
  volumes?: { id: string; path: string }[];
}

/** What every nest of a server shares. */
export interface NestDeps {
  bwrapPath: string;
  parts: Omit<NestParts, 'template' | 'sitePackages' | 'nodeModules'>;
  listener: GuestListener;
  record: ProcessRecord;
  log: Logger;
}

/** A template does not load, however often it is tried. */
export class TemplateBrokenError extends Error {
  override readonly name = 'TemplateBrokenError';
  readonly code = 'template-broken';

  constructor(template: string, why: string, lastWords: string) {
    super(`template '${template}' cannot be loaded: ${why}${lastWords === '' ? '' : `: ${lastWords}`}`);
  }
}

/** A template at work: its zygote in a nest of its own, started again where it dies. */
export class Nest {
  readonly name: string;
  #template: TemplateOptions;
  #deps: NestDeps;
  #child: ChildProcess | undefined;
  #link: GuestLink | undefined;
  #waiting: PromiseWithResolvers<GuestLink>[] = [];
  #lastWords = '';
  #failedLoads = 0;
  #broken: TemplateBrokenError | undefined;
  #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #spawned = new Map<string, Promise<void>>();
  #nameKey = randomBytes(32);

  constructor(template: TemplateOptions, deps: NestDeps) {
    this.name = template.name;
    this.#template = template;
    this.#deps = deps;
  }

  /** True where a client that names this template means it. */
  answersTo(templateId: string): boolean {
    return templateId === this.name || (this.#template.aliases?.includes(templateId) ?? false);
  }

  /** Starts the zygote and keeps it running; returns at once. Asked for a sandbox, it starts by itself. */
  start(): void {
    this.#running ??= this.#keepRunning();
  }

  /**
   * The link to the zygote, once it has loaded. It is tried on after failures, so that a mended template needs no restart of the server.
   * @throws TemplateBrokenError where the last loads have failed
   */
  async ready(signal: AbortSignal): Promise<GuestLink> {
    signal.throwIfAborted();
    if (this.#link && !this.#link.isClosed) return this.#link;
    if (this.#broken) throw this.#broken;
    this.start();
    const waiting = Promise.withResolvers<GuestLink>();
    const abort = (): void => waiting.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.push(waiting);
    return waiting.promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** What the zygote calls a sandbox: each later fork of it may find in its memory what it was told, and is not to learn ids. */
  nameOf(sandboxId: string): string {
    return createHmac('sha256', this.#nameKey).update(sandboxId).digest('hex').slice(0, 24);
  }

  /** Starts a sandbox; resolves once it is ready. */
  async spawn(request: SpawnRequest, signal: AbortSignal): Promise<void> {
    const link = await this.ready(signal);
    try {
      await this.#spawnOver(link, request, signal);
    } catch (error) {
      if (!link.isClosed || this.#stopping.signal.aborted) throw error;
      // A zygote that dies while it is asked says nothing of the next one.
      await this.#spawnOver(await this.ready(signal), request, signal);
    }
  }

  async #spawnOver(link: GuestLink, request: SpawnRequest, signal: AbortSignal): Promise<void> {
    const stream = link.open('sandbox.spawn', request);
    const abort = (): void => stream.cancel();
    signal.addEventListener('abort', abort, { once: true });
    const first = await stream.next().finally(() => signal.removeEventListener('abort', abort));
    signal.throwIfAborted();
    if (first?.type !== 'event' || first.event['state'] !== 'ready') {
      throw new Error('the zygote ended the sandbox before it was ready');
    }
    const over = drain(stream).then(() => void this.#spawned.delete(request.name));
    this.#spawned.set(request.name, over);
  }

  /** Lets a sandbox write to a volume that it has, or not. @throws ConnectFault where it has it open for writing · GuestLostError */
  async setWritable(
    sandboxId: string,
    volume: { id: string; path: string },
    writable: boolean,
  ): Promise<void> {
    const { id, path } = volume;
    const name = this.nameOf(sandboxId);
    await this.#link?.call('sandbox.setWritable', { name, volume: { id, path }, writable });
  }

  /** Gives a sandbox a folder right under `/`. @throws ConnectFault `already_exists` · GuestLostError */
  async addFolder(sandboxId: string, path: string, sizeMb: number): Promise<void> {
    await this.#link?.call('sandbox.addFolder', { name: this.nameOf(sandboxId), path, sizeMb });
  }

  /** Ends a sandbox; resolves when its processes are gone, or after `timeoutMs`. Never rejects. */
  async kill(sandboxId: string, timeoutMs: number): Promise<void> {
    const name = this.nameOf(sandboxId);
    const over = this.#spawned.get(name);
    void this.#call('sandbox.kill', { name });
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([over, new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)))]);
    clearTimeout(timer);
  }

  /** Ends the zygote, and with it every sandbox of the template. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#link?.destroy();
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.kill('SIGTERM');
      await once(child, 'exit');
      clearTimeout(timer);
    }
    await this.#running;
  }

  async #call(op: string, params: Record<string, unknown>): Promise<void> {
    try {
      await this.#link?.call(op, params);
    } catch {
      // The zygote is gone or knows of no such sandbox.
    }
  }

  async #keepRunning(): Promise<void> {
    let restartMs = FIRST_RESTART_MS;
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now();
      const why = await this.#runOnce();
      if (this.#stopping.signal.aborted) return;
      restartMs = performance.now() - startedAt > 60_000 ? FIRST_RESTART_MS : restartMs;
      this.#deps.log.error({ event: 'zygote.died', template: this.name, reason: why, restartMs });
      await pause(restartMs, this.#stopping.signal);
      restartMs = Math.min(restartMs * 2, LAST_RESTART_MS);
    }
  }

  /** One life of the zygote, from its start to its end. */
  async #runOnce(): Promise<string> {
    const { listener, log, record, bwrapPath, parts } = this.#deps;
    const token = randomBytes(24).toString('hex');
    const { options, command } = nestArgs(
      {
        ...parts,
        template: this.name,
        sitePackages: this.#template.sitePackages,
        nodeModules: this.#template.nodeModules,
      },
      hasMountRights(),
    );
    // The environment is clean, for it is inherited. The token goes by a pipe: what a process is started with can be read in its forks.
    const child = spawn(bwrapPath, ['--args', '3', '--', ...command], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: {},
    });
    this.#child = child;
    const over = new AbortController();
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).finally(() => over.abort(new Error('the zygote ended')));
    const heard = once(child, 'close').catch(() => undefined);
    write(child.stdin, `${token}\n`);
    write(child.stdio[3] as Writable, options.map((arg) => `${arg}\0`).join(''));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) this.#logLines(stream);
    }
    if (child.pid !== undefined) record.add(child.pid);
    const startedAt = performance.now();
    log.info({ event: 'template.loading', template: this.name });
    const signal = AbortSignal.any([
      over.signal,
      this.#stopping.signal,
      AbortSignal.timeout(LOAD_TIMEOUT_MS),
    ]);
    let late = false;
    this.#lastWords = '';
    try {
      const link = await listener.expect(zygoteName(this.name), token, signal);
      this.#link = link;
      this.#failedLoads = 0;
      this.#broken = undefined;
      const durationMs = Math.round(performance.now() - startedAt);
      log.info({ event: 'template.ready', template: this.name, durationMs });
      for (const waiting of this.#waiting.splice(0)) waiting.resolve(link);
      // A zygote without its link cannot be used any more, whatever its process does.
      void link.closed.then(() => child.kill('SIGKILL'));
    } catch {
      late = !over.signal.aborted && !this.#stopping.signal.aborted;
      child.kill('SIGKILL');
    }
    const how = await ended;
    await Promise.race([heard, pause(LAST_WORDS_MS, this.#stopping.signal)]);
    const why = late ? `it took more than ${LOAD_TIMEOUT_MS / 1000} s` : how;
    if (this.#link === undefined) this.#noteFailedLoad(why, late);
    this.#link?.destroy();
    this.#link = undefined;
    if (child.pid !== undefined) record.remove(child.pid);
    return why;
  }

  #noteFailedLoad(why: string, late: boolean): void {
    this.#failedLoads += late ? LOADS_UNTIL_BROKEN : 1;
    if (this.#failedLoads < LOADS_UNTIL_BROKEN) return;
    const broken = new TemplateBrokenError(this.name, why, this.#lastWords);
    this.#broken = broken;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(broken);
  }

  #logLines(stream: NodeJS.ReadableStream): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lastWords = line.slice(0, MAX_LOG_LINE);
      this.#deps.log.warn({ event: 'zygote.says', template: this.name, line: this.#lastWords });
    });
  }
}

/** Gives a child its input; one that has ended without it says so by its exit. */
function write(pipe: Writable | null, text: string): void {
  pipe?.on('error', () => undefined);
  pipe?.end(text);
}

async function drain(stream: { next: () => Promise<unknown> }): Promise<void> {
  try {
    while (await stream.next());
  } catch {
    // Failed or lost: gone in any case.
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
