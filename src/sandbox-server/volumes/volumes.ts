import type { Logger } from 'pino';

import type { GuestLink } from '../link/guest-link.ts';
import type { VolumeHelpers } from './volume-helpers.ts';
import type { Volume, VolumeStore } from './volume-store.ts';
import { measureVolume, type VolumeUsage } from './volume-usage.ts';

const MB = 1024 * 1024;
const MEASURE_AGAIN_MS = 2_000;
/** So that measuring takes at most a thirtieth of the time, however many files there are. */
const PAUSE_FACTOR = 30;

/** What volumes are worked on with. */
export interface VolumesDeps {
  store: VolumeStore;
  helpers: VolumeHelpers;
  /** Size that each may have, in MiB. */
  volumeMb: number;
  log: Logger;
}

/** The content of volumes: work in it, its size, and its end. */
export class Volumes {
  readonly store: VolumeStore;
  #deps: VolumesDeps;
  #usage = new Map<string, { measured: Promise<VolumeUsage>; goodUntil: number }>();
  #sweeping: Promise<void> = Promise.resolve();

  constructor(deps: VolumesDeps) {
    this.store = deps.store;
    this.#deps = deps;
  }

  /** Does something in a volume, by its helper. @throws what `work` throws · GuestLostError · ApiError 500 · 503 */
  use<T>(volume: Volume, work: (link: GuestLink) => Promise<T>): Promise<T> {
    return this.#deps.helpers.use(volume.id, work);
  }

  /** The helper of a volume, until it is released: for answers that outlast their request's handler. */
  hold(volume: Volume): { link: Promise<GuestLink>; release: () => void } {
    return this.#deps.helpers.acquire(volume.id);
  }

  /** Bytes that each may hold. */
  get maxBytes(): number {
    return this.#deps.volumeMb * MB;
  }

  /** Bytes that a volume may grow by, as of a moment ago; 0 or less where it is full. */
  async roomIn(volumeId: string): Promise<number> {
    return this.maxBytes - (await this.usageOf(volumeId)).bytes;
  }

  /** What a volume holds, as of a moment ago. */
  async usageOf(volumeId: string): Promise<VolumeUsage> {
    const known = this.#usage.get(volumeId);
    if (known && performance.now() < known.goodUntil) return known.measured;
    const startedAt = performance.now();
    const entry = { measured: this.#deps.helpers.use(volumeId, measureVolume), goodUntil: Infinity };
    this.#usage.set(volumeId, entry);
    try {
      return await entry.measured;
    } finally {
      const now = performance.now();
      entry.goodUntil = now + Math.max(MEASURE_AGAIN_MS, PAUSE_FACTOR * (now - startedAt));
    }
  }

  /** Measures it anew when it is asked for next. */
  forgetUsage(volumeId: string): void {
    this.#usage.delete(volumeId);
  }

  /** Counts what was written since it was measured. */
  async noteWritten(volumeId: string, bytes: number): Promise<void> {
    const usage = await this.#usage.get(volumeId)?.measured.catch(() => undefined);
    if (usage) usage.bytes += bytes;
  }

  /** Forgets a volume and removes what is in it; sandboxes that have it see it empty. False where there is none. */
  remove(volumeId: string): boolean {
    if (!this.store.remove(volumeId)) return false;
    this.forgetUsage(volumeId);
    void this.sweep();
    return true;
  }

  /** Removes what removed volumes have left. Never rejects: what cannot be removed now is there for the next time. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(async () => {
      for (const id of this.store.leftovers()) await this.#removeContent(id);
    });
    return this.#sweeping;
  }

  async #removeContent(id: string): Promise<void> {
    const { helpers, log } = this.#deps;
    try {
      await helpers.use(id, (link) => link.call('volume.remove', { path: '/' }));
      await helpers.end(id);
      this.store.removeFolder(id);
      log.info({ event: 'volume.removed', volumeId: id });
    } catch (error) {
      await helpers.end(id);
      log.warn({ event: 'volume.not-removed', volumeId: id, error: String(error) });
    }
  }
}
