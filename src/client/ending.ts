import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The end of something that lives long, to be waited for again and again beside short work. `Promise.race` would leave a reaction, and with it
 * what the work came to, on the long promise each time.
 */
export class Ending {
  readonly #waiting = new Set<() => void>();
  #over = false;

  constructor(end: Promise<unknown>) {
    const settle = (): void => {
      this.#over = true;
      for (const wake of this.#waiting) wake();
    };
    end.then(settle, settle);
  }

  /** Whether it has come, well or badly. */
  get over(): boolean {
    return this.#over;
  }

  /** What work comes to; undefined where the end comes first. Throws what the work throws. */
  async before<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.#over) {
      // Nobody wants to hear of it any more.
      work.catch(() => undefined);
      return undefined;
    }
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const wake = (): void => resolve(undefined);
    this.#waiting.add(wake);
    work.then(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(wake);
    }
  }

  /** Waits so long, or until the end. */
  async pause(ms: number): Promise<void> {
    const timer = new AbortController();
    await this.before(sleep(ms, undefined, { signal: timer.signal })).finally(() => timer.abort());
  }
}
