import type { Logger } from 'pino';

import type { GuestLink } from '../link/guest-link.ts';
import { newId } from '../sandbox.ts';
import type { SandboxStarter } from '../sandbox-starter.ts';

/** Where a helper has its volume, and all that its `volume.*` operations reach. */
const MOUNT_PATH = '/volume';
const IDLE_MS = 20_000;
/** Idle helpers above this many are ended at once. */
const MAX_IDLE = 8;

interface Helper {
  id: string;
  link: Promise<GuestLink>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * Works on the content of volumes by sandboxes that have nothing else, one for each volume in use: whatever is in a volume, a path of it
 * leads nowhere but into it, with the rights of the sandboxes that wrote it.
 */
export class VolumeHelpers {
  #starter: SandboxStarter;
  #log: Logger;
  #helpers = new Map<string, Helper>();

  constructor(starter: SandboxStarter, log: Logger) {
    this.#starter = starter;
    this.#log = log;
  }

  /** Does something in a volume. @throws ApiError where no helper can be started · what `work` throws */
  async use<T>(volumeId: string, work: (link: GuestLink) => Promise<T>): Promise<T> {
    const held = this.acquire(volumeId);
    try {
      return await work(await held.link);
    } finally {
      held.release();
    }
  }

  /** A helper that lives until it is released, and a while longer. */
  acquire(volumeId: string): { link: Promise<GuestLink>; release: () => void } {
    const helper = this.#helpers.get(volumeId) ?? this.#start(volumeId);
    helper.users += 1;
    clearTimeout(helper.idle);
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      helper.users -= 1;
      if (helper.users === 0) this.#rest(volumeId, helper);
    };
    return { link: helper.link, release };
  }

  /** Ends the helper of a volume, whoever uses it. */
  async end(volumeId: string): Promise<void> {
    const helper = this.#helpers.get(volumeId);
    if (!helper) return;
    this.#forget(volumeId, helper);
    await this.#starter.endHelper(helper.id);
  }

  #start(volumeId: string): Helper {
    const id = newId('h');
    const link = this.#starter.startHelper(id, [{ id: volumeId, name: '', path: MOUNT_PATH }]);
    const helper: Helper = { id, link, users: 0, idle: undefined };
    this.#helpers.set(volumeId, helper);
    link.then(
      ({ closed }) => closed.then(() => this.#forget(volumeId, helper)),
      (error: unknown) => {
        this.#log.error({ event: 'volume.helper-failed', volumeId, error: String(error) });
        this.#forget(volumeId, helper);
      },
    );
    return helper;
  }

  #forget(volumeId: string, helper: Helper): void {
    clearTimeout(helper.idle);
    if (this.#helpers.get(volumeId) === helper) this.#helpers.delete(volumeId);
  }

  #rest(volumeId: string, helper: Helper): void {
    if (this.#helpers.get(volumeId) !== helper) return;
    const idle = [...this.#helpers].filter(([, { users }]) => users === 0);
    const [oldest] = idle;
    if (oldest && idle.length > MAX_IDLE) void this.end(oldest[0]);
    helper.idle = setTimeout(() => void this.end(volumeId), IDLE_MS);
    helper.idle.unref();
    // The one that was used last is the last to go.
    this.#helpers.delete(volumeId);
    this.#helpers.set(volumeId, helper);
  }
}
