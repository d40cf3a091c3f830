import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** Ctrl-C, or a polite kill. */
export class InterruptedError extends CliError {
  override readonly name = 'InterruptedError';

  constructor(message = 'interrupted') {
    super('interrupted', message, EXIT.interrupted);
  }
}

/**
 * The first Ctrl-C (or SIGTERM, or a closed terminal) aborts `signal` with an InterruptedError, so that the command can clean up; a second one
 * leaves at once, and what was started then ends by itself.
 */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal = this.#controller.signal;

  constructor() {
    for (const name of NAMES) process.on(name, this.#hear);
  }

  [Symbol.dispose](): void {
    for (const name of NAMES) process.off(name, this.#hear);
  }

  readonly #hear = (): void => {
    if (this.signal.aborted) process.exit(EXIT.interrupted);
    this.#controller.abort(new InterruptedError());
  };
}

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
