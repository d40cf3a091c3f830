import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** Ctrl-C, or a polite kill. */
export class InterruptedError extends CliError {
  override readonly name: string = 'InterruptedError';

  constructor(message = 'interrupted', exitCode: number = EXIT.interrupted) {
    super('interrupted', message, exitCode);
  }

  /** The same, saying what has become of the work. */
  saying(what: string): InterruptedError {
    return new InterruptedError(`${this.message}; ${what}`, this.exitCode);
  }
}

/** Whoever read the output has gone, as in `| head`. */
export class ReaderGoneError extends InterruptedError {
  override readonly name = 'ReaderGoneError';

  constructor() {
    super('nobody reads the output any more', EXIT.readerGone);
  }
}

/**
 * The first Ctrl-C (or SIGTERM, a closed terminal, or a reader that has gone) aborts `signal` with an InterruptedError, so that the command can clean up; a second one
 * leaves at once, and what was started then ends by itself.
 */
export class Interrupt implements Disposable {
  static readonly #live = new Set<Interrupt>();

  /** Tells the command at work that whoever read its output has gone. Returns whether there was one to tell. */
  static readerGone(): boolean {
    for (const interrupt of Interrupt.#live) interrupt.#controller.abort(new ReaderGoneError());
    return Interrupt.#live.size > 0;
  }

  readonly #controller = new AbortController();
  readonly signal: AbortSignal = this.#controller.signal;

  constructor() {
    Interrupt.#live.add(this);
    for (const name of NAMES) process.on(name, this.#hear);
  }

  [Symbol.dispose](): void {
    Interrupt.#live.delete(this);
    for (const name of NAMES) process.off(name, this.#hear);
  }

  readonly #hear = (): void => {
    if (this.signal.aborted) process.exit(EXIT.interrupted);
    this.#controller.abort(new InterruptedError());
  };
}

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
