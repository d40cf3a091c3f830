import type { Sandboxes } from '../../sandboxes/sandboxes.ts';
import type { Opened } from './lane.ts';

/** How long a clean sandbox waits for the next shard of its batch, in ms. */
const PARKED_MS = 2_000;

/** Clean sandboxes between two shards of the same batch: setting one up costs as much as several items. */
export class Parked {
  readonly #sandboxes: Sandboxes;
  readonly #waiting = new Map<string, { opened: Opened; timer: NodeJS.Timeout }[]>();

  constructor(sandboxes: Sandboxes) {
    this.#sandboxes = sandboxes;
  }

  put(batchId: string, opened: Opened): void {
    const key = `${batchId} ${opened.kind}`;
    const timer = setTimeout(() => {
      if (this.#remove(key, opened)) this.#close(opened);
    }, PARKED_MS);
    this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), { opened, timer }]);
  }

  take(batchId: string, kind: string): Opened | undefined {
    const key = `${batchId} ${kind}`;
    const last = this.#waiting.get(key)?.at(-1);
    if (!last) return undefined;
    this.#remove(key, last.opened);
    return last.opened;
  }

  #remove(key: string, opened: Opened): boolean {
    const list = this.#waiting.get(key) ?? [];
    const found = list.find((one) => one.opened === opened);
    if (!found) return false;
    clearTimeout(found.timer);
    const rest = list.filter((one) => one !== found);
    if (rest.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, rest);
    return true;
  }

  #close({ sandboxId, timer }: Opened): void {
    clearInterval(timer);
    this.#sandboxes.close(sandboxId).catch(() => undefined);
  }
}
