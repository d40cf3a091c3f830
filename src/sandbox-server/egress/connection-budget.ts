import { readFileSync } from 'node:fs';

/** Of one sandbox: more than its supervisor lets through, which may hear of an end sooner. */
export const MAX_OWN_CONNECTIONS = 320;

/**
 * Bounds what all sandboxes have open to the outside together. From half of that on nobody may have more than a share of this half, so that some
 * who take all that they can get leave room for the others.
 */
export class ConnectionBudget {
  #most: number;
  #open = 0;
  /** Who has any. */
  #takers = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one more for who has `own` already. Why it may not have it; undefined where it has. */
  take(own: number): string | undefined {
    if (own >= MAX_OWN_CONNECTIONS) return 'too many connections';
    const half = this.#most / 2;
    const takers = this.#takers + (own === 0 ? 1 : 0);
    const isOver = this.#open >= this.#most || (this.#open >= half && own >= half / takers);
    if (isOver)
      return `too many connections of all sandboxes together, which have ${this.#open} of ${this.#most}`;
    this.#open += 1;
    this.#takers = takers;
    return undefined;
  }

  /** Takes one back from who has `left` after that. */
  release(left: number): void {
    this.#open -= 1;
    if (left === 0) this.#takers -= 1;
  }
}

/** How many connections there may be, that this process has as many descriptors left for all else. */
export function spareDescriptors(): number {
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Math.floor(Number(limit ?? Infinity) / 2);
}
