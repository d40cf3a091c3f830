import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guard } from './guard.ts';
import { identityOf, type ProcessIdentity } from './process-identity.ts';
import { eventOfLogLine } from './log-line.ts';
import type { OnStackEvent, StackEvent } from './stack-event.ts';

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 10_000;
/** A child that lived this long has recovered: its next restart waits as short as the first. */
const RECOVERED_AFTER_MS = 30_000;
const KEPT_LINES = 12;
const LAST_WORDS_MS = 500;

/** How to run a child of the stack. */
export interface ChildSpec {
  name: StackEvent['source'];
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv | undefined;
  /** Whether this line of its output says that it is ready. */
  isReady: (line: string) => boolean;
  /** How long it may take to be ready, in ms. */
  readyWithinMs: number;
  /** A line of its output as an event, where it is worth one. */
  eventOf?: ((line: string) => Omit<StackEvent, 'source'> | undefined) | undefined;
  /** After how many ends, none of which it had recovered from, it is given up. Default: never */
  maximumDeaths?: number | undefined;
  /** Where all of its output goes. */
  logFile: string;
}

/** A child ended before it was ready, or again and again. */
export class ChildFailedError extends Error {
  override readonly name = 'ChildFailedError';
  readonly code = 'child-failed';
  /** Whether it was for a port that another program has. */
  readonly portTaken: boolean;

  /** @param what Such as `worker did not start`. */
  constructor(what: string, how: string, lines: string[], logFile: string) {
    const words = lines.flatMap(wordsOf);
    const said = words.find((line) => /error|cannot|failed|assay/i.test(line)) ?? words.at(-1);
    super(`${what}: ${how}${said ? `: ${said}` : ''} (log: ${logFile})`);
    this.portTaken = lines.some((line) => /address already in use|EADDRINUSE/.test(line));
  }
}

/** A process that is started again when it dies, until it is told to stop. It leads its own process group. */
export class Child {
  readonly #spec: ChildSpec;
  readonly #guard: Guard;
  readonly #onEvent: OnStackEvent;
  readonly #log: WriteStream;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();
  #restarting: Promise<void> = Promise.resolve();
  #lines: string[] = [];
  #lastEnd = '';
  #backoffMs = FIRST_BACKOFF_MS;
  #deaths = 0;
  onRestart: () => void = () => undefined;
  /** Called once, should it be given up. */
  onGiveUp: (error: ChildFailedError) => void = () => undefined;

  constructor(spec: ChildSpec, guard: Guard, onEvent: OnStackEvent) {
    this.#spec = spec;
    this.#guard = guard;
    this.#onEvent = onEvent;
    this.#log = createWriteStream(spec.logFile, { flags: 'w', mode: 0o600 });
    this.#log.on('error', () => undefined); // a full disk must not end the stack
  }

  get name(): string {
    return this.#spec.name;
  }

  get identity(): ProcessIdentity | undefined {
    return this.#process?.pid === undefined ? undefined : identityOf(this.#process.pid);
  }

  /**
   * Starts it and waits until it is ready; from then on it is kept alive. `needs` is what it cannot do without: should it fail before
   * that is there, it is tried once more after. @throws ChildFailedError, and what `needs` rejects with
   */
  async start(needs: Promise<unknown> = Promise.resolve()): Promise<void> {
    let met = false;
    void needs.then(() => (met = true)).catch(() => undefined);
    try {
      await this.#launch().catch(async (error: unknown) => {
        if (met || this.#stopping.signal.aborted) throw error;
        await needs;
        await this.#launch();
      });
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    this.#restarting = this.#keepAlive();
  }

  /** Asks it to end, and kills its whole group when it has not done so within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    if (graceMs > 0) this.#signal('SIGTERM');
    const late = new AbortController();
    await Promise.race([
      this.#ended,
      sleep(graceMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    this.#signalGroup('SIGKILL');
    await this.#ended;
    await this.#restarting;
    this.#log.end();
  }

  async #launch(): Promise<void> {
    const { command, args, env, name, isReady, readyWithinMs, logFile } = this.#spec;
    this.#lines = [];
    const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    if (child.pid !== undefined) this.#guard.add(child.pid);
    const ready = Promise.withResolvers<void>();
    const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
    this.#ended = howItEnds(child).then(async (how) => {
      // What the child itself started ends with it, and its last words are heard.
      this.#signalGroup('SIGKILL');
      if (child.pid !== undefined) this.#guard.drop(child.pid);
      this.#process = undefined;
      await Promise.race([closed, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
      this.#lastEnd = how;
      ready.reject(new ChildFailedError(`${name} did not start`, `it ${how}`, this.#lines, logFile));
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
        if (isReady(line)) ready.resolve();
        this.#hear(line);
      });
    const late = setTimeout(() => {
      const error = new ChildFailedError(
        `${name} did not start`,
        `it was not ready within ${readyWithinMs / 1000} s`,
        this.#lines,
        logFile,
      );
      ready.reject(error);
    }, readyWithinMs);
    try {
      await ready.promise;
    } finally {
      clearTimeout(late);
    }
  }

  async #keepAlive(): Promise<void> {
    const { name, logFile, maximumDeaths = Infinity } = this.#spec;
    const gaveUp = (how: string): boolean => {
      this.#deaths += 1;
      if (this.#deaths < maximumDeaths) return false;
      const what = `${name} ended ${this.#deaths} times in a row and is given up`;
      this.onGiveUp(new ChildFailedError(what, how, this.#lines, logFile));
      return true;
    };
    for (;;) {
      const readyAt = performance.now();
      await this.#ended;
      if (this.#stopping.signal.aborted) return;
      if (performance.now() - readyAt > RECOVERED_AFTER_MS) {
        this.#backoffMs = FIRST_BACKOFF_MS;
        this.#deaths = 0;
      }
      if (gaveUp(`it ${this.#lastEnd}`)) return;
      this.#onEvent({
        source: name,
        level: 'warn',
        text: `${this.#lastEnd}; starting it again in ${this.#backoffMs / 1000} s`,
      });
      while (!this.#stopping.signal.aborted) {
        await sleep(this.#backoffMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        if (this.#stopping.signal.aborted) return;
        this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
        try {
          await this.#launch();
          this.onRestart();
          this.#onEvent({ source: name, level: 'info', text: 'is running again' });
          break;
        } catch (error) {
          if (this.#stopping.signal.aborted) return;
          this.#signalGroup('SIGKILL');
          await this.#ended;
          if (gaveUp(`it ${this.#lastEnd}`)) return;
          const text = `${(error as Error).message}; next try in ${this.#backoffMs / 1000} s`;
          this.#onEvent({ source: name, level: 'error', text });
        }
      }
    }
  }

  #hear(line: string): void {
    this.#log.write(`${line}\n`);
    // The first lines say what went wrong, the last ones where; that it was ready once does not.
    if (line.trim() !== '' && !this.#spec.isReady(line)) this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines.splice(KEPT_LINES, 1);
    const event = this.#spec.eventOf?.(line);
    if (event) this.#onEvent({ source: this.#spec.name, ...event });
  }

  #signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // the group is empty
    }
  }
}

/** What a line of output says of a failure: of a log in JSON only what is an error. */
function wordsOf(line: string): string[] {
  if (!line.startsWith('{')) return [line];
  const event = eventOfLogLine(line);
  return event?.level === 'error' ? [event.text] : [];
}

function howItEnds(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be run: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal ? `was killed by ${signal}` : `ended with exit code ${code}`),
    );
  });
}
