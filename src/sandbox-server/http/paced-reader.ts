import type { GuestItem, GuestStream } from '../link/guest-stream.ts';

/** Reads a guest's stream and says so when nothing has come for a while. */
export class PacedReader {
  #stream: GuestStream;
  #intervalMs: number | undefined;
  #pending: Promise<GuestItem | undefined> | undefined;

  constructor(stream: GuestStream, intervalMs: number | undefined) {
    this.#stream = stream;
    this.#intervalMs = intervalMs;
  }

  /** The next item, undefined at the end, or `'quiet'` once the interval has passed without one. */
  async next(): Promise<GuestItem | undefined | 'quiet'> {
    return this.within(this.#intervalMs);
  }

  /** As {@link next}, with an interval of its own. */
  async within(intervalMs: number | undefined): Promise<GuestItem | undefined | 'quiet'> {
    const ready = this.takeReady();
    if (ready) return ready;
    const pending = (this.#pending ??= this.#stream.next());
    if (intervalMs === undefined) return this.#settle(pending);
    let timer: NodeJS.Timeout | undefined;
    const quiet = new Promise<'quiet'>((resolve) => (timer = setTimeout(resolve, intervalMs, 'quiet')));
    try {
      return await Promise.race([this.#settle(pending), quiet]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next item if one is there; only between two waits. */
  takeReady(): GuestItem | undefined {
    return this.#pending ? undefined : this.#stream.takeReady();
  }

  async #settle(pending: Promise<GuestItem | undefined>): Promise<GuestItem | undefined> {
    try {
      return await pending;
    } finally {
      if (this.#pending === pending) this.#pending = undefined;
    }
  }
}
