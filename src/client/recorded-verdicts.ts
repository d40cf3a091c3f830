import type { Verdict } from '../domain/job-result.ts';
import type { Store } from '../store/store.ts';
import { verdictFolders } from '../store/verdict-names.ts';

const AT_ONCE = 32;

export interface RecordedVerdictsStats {
  records: number;
  bytes: number;
  verdicts: Partial<Record<Verdict, number>>;
}

/** Verdicts that batches take again where code, tests, limits, template and version are the same. */
export class RecordedVerdicts {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Counts them. Throws StoreError. */
  async stats(): Promise<RecordedVerdictsStats> {
    const stats: RecordedVerdictsStats = { records: 0, bytes: 0, verdicts: {} };
    await this.#each(async (name) => {
      const bytes = await this.#store.getNamed(name);
      if (!bytes) return;
      stats.records += 1;
      stats.bytes += bytes.byteLength;
      const verdict = verdictOf(bytes);
      if (verdict) stats.verdicts[verdict] = (stats.verdicts[verdict] ?? 0) + 1;
    });
    return stats;
  }

  /** Removes all of them and says how many; batches at work record theirs again. Throws StoreError. */
  async clear(): Promise<number> {
    let count = 0;
    await this.#each(async (name) => {
      await this.#store.removeNamed(name);
      count += 1;
    });
    return count;
  }

  async #each(work: (name: string) => Promise<void>): Promise<void> {
    const folders = verdictFolders().values();
    const walk = async (): Promise<void> => {
      for (const folder of folders) for (const name of await this.#store.listNamed(folder)) await work(name);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, walk));
  }
}

function verdictOf(bytes: Uint8Array): Verdict | undefined {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) as { verdict: Verdict }).verdict;
  } catch {
    return undefined; // One that was being written when its worker was killed.
  }
}
