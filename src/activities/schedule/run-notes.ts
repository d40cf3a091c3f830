import type { KeptRun } from '../../domain/schedule.ts';
import type { Store } from '../../store/store.ts';

/** How long what has been told to stop may still be at work, in ms. */
const STILL_AFTER_MS = 600_000;

/**
 * Notes in the store of the runs of a schedule whose results are there. The server hands a run the last one's result, but not where runs
 * overlap.
 */
export class RunNotes {
  readonly #store: Store;
  readonly #folder: string;

  constructor(store: Store, series: string) {
    this.#store = store;
    this.#folder = `schedules/${series}/`;
  }

  /** Newest first, by when they began. Throws StoreError. */
  async list(): Promise<KeptRun[]> {
    const names = await this.#store.listNamed(this.#folder);
    const notes = await Promise.all(names.map((name) => this.#store.getNamed(name)));
    return newestFirst(notes.flatMap((bytes) => (bytes && parsed(bytes)) ?? []));
  }

  /** Throws StoreError. */
  async put(run: KeptRun): Promise<void> {
    await this.#store.putNamed(this.#nameOf(run), JSON.stringify(run));
  }

  /** Throws StoreError. */
  async remove(run: KeptRun): Promise<void> {
    await this.#store.removeNamed(this.#nameOf(run));
  }

  #nameOf({ batchId }: KeptRun): string {
    return `${this.#folder}${batchId}.json`;
  }
}

/** Whether all that was at work at a time (ISO 8601) and was told to stop has stopped by now. */
export function isLongAgo(time: string): boolean {
  return Date.now() - Date.parse(time) > STILL_AFTER_MS;
}

export function newestFirst(runs: KeptRun[]): KeptRun[] {
  return runs.toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
}

function parsed(bytes: Uint8Array): KeptRun | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as KeptRun;
  } catch {
    return undefined; // It was being written when its worker was killed; its run writes it again.
  }
}
