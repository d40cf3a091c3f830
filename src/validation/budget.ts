import { workMs } from './work-clock.ts';

/** How much work one validation may cost; whoever exceeds it gets a `too-complex` finding, never a hung worker. */
export const LIMITS = {
  codeChars: 5_000_000,
  inlineChars: 200_000,
  processMs: 10_000,
  processMemoryMb: 768,
  syntaxNodes: 300_000,
  parseMs: 500,
  totalMs: 900,
  evaluations: 1_500_000,
  evaluationDepth: 250,
  textChars: 65_536,
  valuesPerName: 6,
  listItems: 4_096,
  pathChars: 240,
  embeddedDepth: 3,
  findings: 200,
} as const;

/** Thrown inside the validator when the work allowed is used up; never leaves it. */
export class BudgetExceededError extends Error {
  readonly code = 'budget-exceeded';
  override readonly name = 'BudgetExceededError';
}

/** Counts what is left of the work allowed. */
export class Budget {
  readonly #deadline: number;
  #evaluations: number = LIMITS.evaluations;

  constructor(now: number = workMs()) {
    this.#deadline = now + LIMITS.totalMs;
  }

  /** True once the time is up. */
  get timeIsUp(): boolean {
    return workMs() > this.#deadline;
  }

  /** Takes some work off; throws BudgetExceededError when none is left. */
  spend(amount = 1): void {
    const before = this.#evaluations;
    this.#evaluations -= amount;
    const crossed = before >> 10 !== this.#evaluations >> 10;
    if (this.#evaluations < 0 || (crossed && this.timeIsUp))
      throw new BudgetExceededError('The work allowed is used up');
  }
}
