import type { ShardWorker } from '../domain/batch.ts';

/** Before the first shard tells of its worker. */
const FIRST_SHARDS = 4;
const MOST_SHARDS = 500;
/** Some shards wait at the queue, so that no worker waits for its next; more would only make the last ones smaller. */
const SHARDS_A_PLACE = 1.5;
/** A worker is gone when all places have so often ended a shard without it. */
const FORGOTTEN_AFTER_ROUNDS = 4;

/** The workers that take a batch's shards, as far as shards that have ended tell of them. */
export class Workers {
  readonly #seen = new Map<string, { worker: ShardWorker; at: number }>();
  #ended = 0;

  constructor(known: ShardWorker[] = []) {
    for (const worker of known) this.seen(worker);
  }

  get all(): ShardWorker[] {
    return [...this.#seen.values()].map(({ worker }) => worker);
  }

  get #places(): number {
    return this.all.reduce((sum, { shards }) => sum + shards, 0);
  }

  /** A shard has ended there. */
  seen(worker: ShardWorker | undefined): void {
    if (!worker) return;
    this.#ended += 1;
    this.#seen.set(worker.id, { worker, at: this.#ended });
    const oldest = this.#ended - FORGOTTEN_AFTER_ROUNDS * this.#places;
    for (const [id, { at }] of this.#seen) if (at < oldest) this.#seen.delete(id);
  }

  /** How many shards at once keep all of them busy. */
  fill(): number {
    return this.#seen.size === 0
      ? FIRST_SHARDS
      : Math.min(Math.ceil(SHARDS_A_PLACE * this.#places), MOST_SHARDS);
  }
}
