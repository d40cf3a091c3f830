import type { GuestLink } from './link/guest-link.ts';

const RETRY_MS = 1_000;
const REFILL_MS = 30;

/** A sandbox that runs already and is nobody's yet. */
export interface WarmSandbox {
  id: string;
  link: GuestLink;
}

/** Sandboxes that are started before anybody asks for one. */
export class WarmPool {
  #size: number;
  #start: () => Promise<WarmSandbox>;
  #ready: WarmSandbox[] = [];
  #filling = false;
  #closed = false;

  /** @param start makes one more; a failure is tried again a second later */
  constructor(size: number, start: () => Promise<WarmSandbox>) {
    this.#size = size;
    this.#start = start;
  }

  /** One that still runs; undefined where there is none. Another takes its place in the background. */
  take(): WarmSandbox | undefined {
    const found = this.#ready.splice(0).filter(({ link }) => !link.isClosed);
    const taken = found.shift();
    this.#ready.push(...found);
    // The one who asked goes first, with what it does right away.
    setTimeout(() => this.fill(), REFILL_MS).unref();
    return taken;
  }

  /** Starts what is missing, one after the other; returns at once. */
  fill(): void {
    if (!this.#filling) void this.#fill();
  }

  /** Starts no more, and gives those up that are there. */
  close(): void {
    this.#closed = true;
    for (const { link } of this.#ready.splice(0)) link.destroy();
  }

  async #fill(): Promise<void> {
    this.#filling = true;
    while (!this.#closed && this.#ready.length < this.#size) {
      try {
        const made = await this.#start();
        if (this.#closed) made.link.destroy();
        else this.#ready.push(made);
      } catch {
        // Logged where it failed.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.#filling = false;
  }
}
