import { randomUUID } from 'node:crypto';

import type { GuestStream } from '../link/guest-stream.ts';
import type { Sandbox } from '../sandbox.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { filesystemEvent, type WatchTarget } from './watch-events.ts';

const MAX_WATCHERS = 64;
const MAX_EVENTS = 10_000;

interface Watcher {
  stream: GuestStream;
  events: object[];
  fault?: unknown;
}

/** Watchers that are asked for their events, as clients without streams do it. They live as long as their sandbox. */
export class Watchers {
  #bySandbox = new WeakMap<Sandbox, Map<string, Watcher>>();

  /** Starts to watch. @throws ConnectFault as the guest refuses it · `resource_exhausted` */
  async create(sandbox: Sandbox, target: WatchTarget): Promise<string> {
    const watchers = this.#of(sandbox);
    if (watchers.size >= MAX_WATCHERS) {
      throw new ConnectFault('resource_exhausted', `a sandbox has at most ${MAX_WATCHERS} watchers`);
    }
    const { path, user, recursive } = target;
    const stream = sandbox.link.open('file.watch', { path, user, recursive });
    await stream.next();
    const watcher: Watcher = { stream, events: [] };
    const id = randomUUID();
    watchers.set(id, watcher);
    void follow(sandbox, target, watcher);
    return id;
  }

  /** The events since the last call. @throws ConnectFault `not_found` · what ended the watch */
  take(sandbox: Sandbox, id: string): object[] {
    const watcher = this.#find(sandbox, id);
    if (watcher.fault !== undefined) throw watcher.fault;
    return watcher.events.splice(0);
  }

  /** Stops watching. @throws ConnectFault `not_found` */
  remove(sandbox: Sandbox, id: string): void {
    this.#find(sandbox, id).stream.cancel();
    this.#of(sandbox).delete(id);
  }

  #of(sandbox: Sandbox): Map<string, Watcher> {
    const watchers = this.#bySandbox.get(sandbox) ?? new Map<string, Watcher>();
    this.#bySandbox.set(sandbox, watchers);
    return watchers;
  }

  #find(sandbox: Sandbox, id: string): Watcher {
    const watcher = this.#of(sandbox).get(id);
    if (!watcher) throw new ConnectFault('not_found', `no watcher '${id}'`);
    return watcher;
  }
}

async function follow(sandbox: Sandbox, target: WatchTarget, watcher: Watcher): Promise<void> {
  try {
    for (let item = await watcher.stream.next(); item; item = await watcher.stream.next()) {
      const event =
        item.type === 'event' ? await filesystemEvent(sandbox.link, target, item.event) : undefined;
      if (event) watcher.events.push(event);
      if (watcher.events.length > MAX_EVENTS) {
        watcher.stream.cancel();
        throw new ConnectFault('resource_exhausted', 'events came faster than they were fetched');
      }
    }
  } catch (error) {
    watcher.fault = error;
  }
}
