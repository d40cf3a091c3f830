import { setTimeout as sleep } from 'node:timers/promises';
import type { Counts, Failure, ItemResult, ShardOutcome } from '../../domain/batch.ts';
import type { Store } from '../../store/store.ts';

const FLUSH_EVERY_MS = 300;
/** A store that is full or read-only for a moment must not cost a result. */
const SEAL_PATIENCE_MS = 60_000;
const FAILURES_TOLD = 10;
/** Marks of items at whose run a worker was, by name: `begun-INDEX-TRY`. */
const BEGUN = /\/begun-(\d+)-\d+$/;

/**
 * What a shard has found out so far, written down as it comes: a later try of the same shard finds it and repeats only the rest. Each
 * item is recorded once, whatever ran twice.
 */
export class Ledger {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #try: number;
  readonly #lines = new Map<number, string>();
  readonly #results = new Map<number, Pick<ItemResult, 'id' | 'verdict' | 'cached' | 'flaky'>>();
  readonly #failures: Failure[] = [];
  #unwritten: string[] = [];
  readonly #deaths = new Map<number, number>();
  #part = 0;
  #writing: Promise<void> = Promise.resolve();
  readonly #timer: NodeJS.Timeout;

  private constructor(store: Store, prefix: string, tryNumber: number) {
    this.#store = store;
    this.#prefix = prefix;
    this.#try = tryNumber;
    this.#timer = setInterval(() => void this.#flush().catch(() => undefined), FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  /** Reads what earlier tries of the shard have recorded. Throws StoreError. */
  static async open(store: Store, prefix: string, tryNumber: number): Promise<Ledger> {
    const ledger = new Ledger(store, prefix, tryNumber);
    if (tryNumber > 1)
      for (const name of await store.listNamed(prefix)) {
        const begun = BEGUN.exec(name);
        if (begun) {
          const index = Number(begun[1]);
          ledger.#deaths.set(index, (ledger.#deaths.get(index) ?? 0) + 1);
          continue;
        }
        const text = Buffer.from((await store.getNamed(name)) ?? []).toString('utf8');
        // A line without its end was being written when the worker was killed.
        for (const line of text.split('\n').slice(0, -1)) ledger.#note(JSON.parse(line) as ItemResult, line);
      }
    return ledger;
  }

  get done(): number {
    return this.#lines.size;
  }

  has(index: number): boolean {
    return this.#lines.has(index);
  }

  add(result: ItemResult): void {
    const line = JSON.stringify(result);
    if (this.#note(result, line)) this.#unwritten.push(line);
  }

  /** How many workers have died while they ran this item, the first of the shard aside, which left no mark. */
  deathsAt(index: number): number {
    return this.#deaths.get(index) ?? 0;
  }

  /**
   * Runs an item. Once a worker of the shard has died, it is marked as begun for that long, and its result is written down at once: the next
   * try then knows who was there when a worker dies. Throws what the item throws, and StoreError.
   */
  async during<T>(index: number, work: () => Promise<T>): Promise<T> {
    if (this.#try === 1) return await work();
    const mark = `${this.#prefix}begun-${index}-${this.#try}`;
    await this.#patiently(() => this.#store.putNamed(mark, ''));
    try {
      return await work();
    } finally {
      await this.#flush().catch(() => undefined);
      await this.#store.removeNamed(mark).catch(() => undefined);
    }
  }

  /** Stops writing as it comes, and puts down what is left where the store lets it. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush().catch(() => undefined);
  }

  /** All of it as one blob. The notes of this and earlier tries are no longer needed then. Throws StoreError. */
  async seal(): Promise<Omit<ShardOutcome, 'left' | 'busyMs'>> {
    clearInterval(this.#timer);
    const indexes = [...this.#lines.keys()].toSorted((a, b) => a - b);
    const text = indexes.map((index) => `${this.#lines.get(index)}\n`).join('');
    const parts =
      indexes.length === 0
        ? []
        : [
            {
              blob: await this.#patiently(() => this.#store.put(text)),
              from: indexes[0]!,
              count: indexes.length,
            },
          ];
    await this.#writing.catch(() => undefined);
    await this.#store.removeFolder(this.#prefix).catch(() => undefined);
    return { parts, counts: this.#counts(), failures: this.#failures };
  }

  #note(result: ItemResult, line: string): boolean {
    if (this.#lines.has(result.index)) return false;
    const { index, id, verdict, cached, flaky, attempts } = result;
    this.#lines.set(index, line);
    this.#results.set(index, { id, verdict, cached, flaky });
    if (verdict !== 'passed') {
      this.#failures.unshift({ id, verdict, sentence: (attempts.at(-1)?.ended ?? '').slice(0, 300) });
      this.#failures.splice(FAILURES_TOLD);
    }
    return true;
  }

  #counts(): Counts {
    const counts: Counts = { passed: 0, failed: 0, rejected: 0, error: 0, cached: 0, flaky: 0 };
    for (const { verdict, cached, flaky } of this.#results.values()) {
      counts[verdict] += 1;
      if (cached) counts.cached += 1;
      if (flaky) counts.flaky += 1;
    }
    return counts;
  }

  #flush(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const lines = this.#unwritten;
    if (lines.length === 0) return;
    this.#unwritten = [];
    try {
      const name = `${this.#prefix}${this.#try}-${this.#part}.jsonl`;
      await this.#store.putNamed(name, `${lines.join('\n')}\n`);
      this.#part += 1;
    } catch (error) {
      this.#unwritten = [...lines, ...this.#unwritten];
      throw error;
    }
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (const until = Date.now() + SEAL_PATIENCE_MS; ; await sleep(500)) {
      try {
        return await work();
      } catch (error) {
        if (Date.now() > until) throw error;
      }
    }
  }
}
