import { setTimeout as sleep } from 'node:timers/promises';

/** Lets things through one after the other at a rate, of which a burst may be ahead. */
export class Pace {
  #gapMs: number;
  #burstMs: number;
  #nextAtMs = 0;

  /** @param perSecond the rate @param burst how many go through at once after a rest */
  constructor(perSecond: number, burst: number) {
    this.#gapMs = 1_000 / perSecond;
    this.#burstMs = burst * this.#gapMs;
  }

  /** Waits for its turn. */
  async turn(): Promise<void> {
    const nowMs = performance.now();
    this.#nextAtMs = Math.max(this.#nextAtMs, nowMs - this.#burstMs) + this.#gapMs;
    if (this.#nextAtMs > nowMs) await sleep(this.#nextAtMs - nowMs);
  }
}
