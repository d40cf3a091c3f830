import { SANDBOX_TIMEOUT_MS } from '../sandboxes/sandboxes.ts';

/** After an opening that had to queue, so long others are taken to queue still. */
const QUEUE_SEEN_MS = 1_000;

/**
 * Sandboxes of jobs that a worker has in hand. A burst of jobs must not open one each before the first is at work: those that wait for too
 * long end by their timeout, and their jobs begin again.
 */
export class Room {
  readonly #most: number;
  /** By sandbox, until when it counts: where another worker goes on with it and closes it, nobody says so here. */
  readonly #inHand = new Map<string, number>();
  #opening = 0;
  #queuedAtMs = Number.NEGATIVE_INFINITY;

  /** @param most How many jobs are worked on at once. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether a job may open a sandbox without queueing. Not before those that queue. */
  hasPlace(nowMs = Date.now()): boolean {
    for (const [sandboxId, untilMs] of this.#inHand) if (untilMs < nowMs) this.#inHand.delete(sandboxId);
    return this.#opening + this.#inHand.size < this.#most && nowMs - this.#queuedAtMs > QUEUE_SEEN_MS;
  }

  /** Opens a sandbox and counts it. */
  async opening<T extends { sandboxId: string }>(
    open: () => Promise<T>,
    { queued }: { queued: boolean },
  ): Promise<T> {
    if (queued) this.#queuedAtMs = Date.now();
    this.#opening += 1;
    try {
      const opened = await open();
      this.#inHand.set(opened.sandboxId, Date.now() + SANDBOX_TIMEOUT_MS);
      return opened;
    } finally {
      this.#opening -= 1;
    }
  }

  /** Counts a sandbox while there is work in it, and some time after. */
  async during<T>(sandboxId: string, work: () => Promise<T>): Promise<T> {
    this.#inHand.set(sandboxId, Number.POSITIVE_INFINITY);
    try {
      return await work();
    } finally {
      if (this.#inHand.has(sandboxId)) this.#inHand.set(sandboxId, Date.now() + SANDBOX_TIMEOUT_MS);
    }
  }

  closed(sandboxId: string): void {
    this.#inHand.delete(sandboxId);
  }
}
