import type { Logger } from 'pino';

import type { Sandbox } from '../sandbox.ts';
import type { VolumeMount } from './volume-mounts.ts';
import type { Volumes } from './volumes.ts';

const TICK_MS = 2_000;
/** A volume with folders that stay closed, however often they are opened, counts as full. */
const MAX_HIDDEN = 3;

/** What the guard does to sandboxes. */
export interface VolumeGuardDeps {
  volumes: Volumes;
  setWritable: (sandbox: Sandbox, mount: VolumeMount, writable: boolean) => Promise<void>;
  /** Ends a sandbox that writes on to a full volume. */
  end: (sandbox: Sandbox) => Promise<void>;
  log: Logger;
}

interface Watched {
  sandboxes: Map<Sandbox, VolumeMount[]>;
  timer: NodeJS.Timeout | undefined;
  hidden: number;
  /** What it held once all its sandboxes could only read it; undefined while it has room. */
  fullAt: number | undefined;
}

/**
 * Bounds the size of volumes by looking, for a plain folder has no quota. Sandboxes can only read a full one until there is room again; one that has a
 * file of it open for writing at that moment cannot be kept from it otherwise and is ended.
 */
export class VolumeGuard {
  #deps: VolumeGuardDeps;
  #watched = new Map<string, Watched>();

  constructor(deps: VolumeGuardDeps) {
    this.#deps = deps;
  }

  /** Looks at the volumes of a sandbox from here on. */
  async add(sandbox: Sandbox): Promise<void> {
    for (const id of new Set(sandbox.request.volumeMounts.map((mount) => mount.id))) {
      const mounts = sandbox.request.volumeMounts.filter((mount) => mount.id === id);
      const watched = this.#watched.get(id) ?? this.#start(id);
      watched.sandboxes.set(sandbox, mounts);
      if (watched.fullAt !== undefined) await this.#restrict(sandbox, mounts);
    }
  }

  /** Looks no more. */
  remove(sandbox: Sandbox): void {
    for (const { id } of sandbox.request.volumeMounts) {
      const watched = this.#watched.get(id);
      watched?.sandboxes.delete(sandbox);
      if (!watched || watched.sandboxes.size > 0) continue;
      clearTimeout(watched.timer);
      this.#watched.delete(id);
    }
  }

  #start(id: string): Watched {
    const watched: Watched = { sandboxes: new Map(), timer: undefined, hidden: 0, fullAt: undefined };
    this.#watched.set(id, watched);
    this.#schedule(id, watched, 0);
    return watched;
  }

  #schedule(id: string, watched: Watched, inMs: number): void {
    watched.timer = setTimeout(async () => {
      try {
        await this.#look(id, watched);
      } catch (error) {
        this.#deps.log.warn({ event: 'volume.not-measured', volumeId: id, error: String(error) });
      }
      if (this.#watched.get(id) === watched) this.#schedule(id, watched, TICK_MS);
    }, inMs);
    watched.timer.unref();
  }

  async #look(id: string, watched: Watched): Promise<void> {
    const { volumes, log } = this.#deps;
    if (![...watched.sandboxes.keys()].some(({ state }) => state === 'running')) return;
    const { bytes, isHidden } = await volumes.usageOf(id);
    watched.hidden = isHidden ? watched.hidden + 1 : 0;
    const isFull = bytes > volumes.maxBytes || watched.hidden >= MAX_HIDDEN;
    if (isFull && watched.fullAt === undefined) {
      // More may have come before the last of them was restricted: what counts is what is found then.
      watched.fullAt = Infinity;
      log.warn({ event: 'volume.full', volumeId: id, bytes });
      await Promise.all([...watched.sandboxes].map((each) => this.#restrict(...each)));
      volumes.forgetUsage(id);
    } else if (isFull && watched.fullAt === Infinity) {
      watched.fullAt = bytes;
    } else if (isFull && watched.fullAt !== undefined && bytes > watched.fullAt) {
      // Somebody writes on: who it is cannot be told.
      watched.fullAt = bytes;
      await Promise.all([...watched.sandboxes.keys()].map((sandbox) => this.#end(sandbox)));
    } else if (!isFull && watched.fullAt !== undefined) {
      watched.fullAt = undefined;
      log.info({ event: 'volume.has-room', volumeId: id, bytes });
      await Promise.all([...watched.sandboxes].map((each) => this.#allow(...each)));
    }
  }

  async #restrict(sandbox: Sandbox, mounts: VolumeMount[]): Promise<void> {
    // It has no processes now, and is added again once it has.
    if (sandbox.state === 'on-disk') return;
    try {
      for (const mount of mounts) await this.#deps.setWritable(sandbox, mount, false);
      sandbox.log.add('warn', `the volume '${mounts[0]?.name ?? ''}' is full and can only be read`);
    } catch {
      await this.#end(sandbox);
    }
  }

  async #allow(sandbox: Sandbox, mounts: VolumeMount[]): Promise<void> {
    if (sandbox.state === 'on-disk') return;
    try {
      for (const mount of mounts) await this.#deps.setWritable(sandbox, mount, true);
      sandbox.log.add('info', `the volume '${mounts[0]?.name ?? ''}' has room again`);
    } catch (error) {
      sandbox.log.add(
        'warn',
        `the volume '${mounts[0]?.name ?? ''}' can still only be read: ${String(error)}`,
      );
    }
  }

  #end(sandbox: Sandbox): Promise<void> {
    sandbox.log.add('warn', 'ended, for it writes to a volume that is full');
    return this.#deps.end(sandbox);
  }
}
