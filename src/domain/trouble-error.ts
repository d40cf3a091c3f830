import type { Trouble, TroubleType } from './trouble.ts';

/** Trouble of the world, thrown by whoever knows exactly what it is. Its `code` is the type of the trouble. */
export class TroubleError extends Error {
  override readonly name = 'TroubleError';
  readonly code: TroubleType;
  readonly trouble: Trouble;

  constructor(trouble: Trouble, options?: ErrorOptions) {
    super(trouble.message, options);
    this.code = trouble.type;
    this.trouble = trouble;
  }
}
