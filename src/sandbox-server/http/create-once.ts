import { createHash } from 'node:crypto';

import { ApiError } from '../wire/api-error.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;
const MAX_KEYS = 1_000;

interface Made {
  asked: string;
  answer: Promise<object>;
  at: number;
}

/** Answers a create that is sent again, with the same `Idempotency-Key`, as it was answered first, or will be. */
export class CreateOnce {
  #made = new Map<string, Made>();

  /** @throws ApiError 400 a key that is none · 422 one that was sent with another request · what `make` throws, which may be tried again */
  async answer(key: string, body: object, make: () => Promise<object>): Promise<object> {
    if (!/^[a-z0-9-]{1,255}$/.test(key)) {
      throw new ApiError(
        400,
        `'Idempotency-Key' has to be of 1 to 255 lower-case letters, digits and hyphens`,
      );
    }
    const asked = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    const known = this.#made.get(key);
    if (known && known.at > Date.now() - KEPT_MS) {
      if (known.asked !== asked)
        throw new ApiError(422, `the 'Idempotency-Key' was sent with another request before`);
      return known.answer;
    }
    const answer = make();
    this.#made.delete(key);
    this.#made.set(key, { asked, answer, at: Date.now() });
    if (this.#made.size > MAX_KEYS) this.#made.delete(this.#made.keys().next().value as string);
    try {
      return await answer;
    } catch (error) {
      if (this.#made.get(key)?.answer === answer) this.#made.delete(key);
      throw error;
    }
  }
}
