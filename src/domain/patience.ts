import { afterTrouble } from './trouble.ts';
import type { Trouble, TroubleType } from './trouble.ts';

/** How much trouble of the world a job still takes: so many tries for each kind by the table, and so much waiting in all. */
export class Patience {
  readonly #tries = new Map<TroubleType, number>();
  #leftMs: number;

  /** @param limitMs Longest waiting in all, in ms. */
  constructor(limitMs: number) {
    this.#leftMs = limitMs;
  }

  /** Waiting that is left, in ms. */
  get leftMs(): number {
    return this.#leftMs;
  }

  /** The wait before the next try, in ms, or undefined when it is used up. */
  afterMs(trouble: Trouble): number | undefined {
    const tries = (this.#tries.get(trouble.type) ?? 0) + 1;
    this.#tries.set(trouble.type, tries);
    const next = afterTrouble(trouble, tries);
    if (next.do === 'give-up' || next.afterMs > this.#leftMs) return undefined;
    this.#leftMs -= next.afterMs;
    return next.afterMs;
  }
}
