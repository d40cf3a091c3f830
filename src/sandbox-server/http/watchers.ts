import { randomUUID } from 'node:crypto';

import { Channel } from '../link/guest-frames.ts';
import type { GuestStream } from '../link/guest-stream.ts';
import type { Sandbox } from '../sandbox.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { filesystemEvent, type WatchTarget } from './watch-events.ts';

const MAX_WATCHERS = 64;
const MAX_EVENTS = 10_000;
const ASK = Uint8Array.of(0);

interface Watcher {
  stream: GuestStream;
  events: object[];
  fault?: unknown;
  /** Whoever waits until all is there that has happened by now. */
  waiting: (() => void)[];
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
    const watcher: Watcher = { stream, events: [], waiting: [] };
    const id = randomUUID();
    watchers.set(id, watcher);
    void follow(sandbox, target, watcher);
    return id;
  }

  /** The events since the last call, to this moment. @throws ConnectFault `not_found` · what ended the watch */
  async take(sandbox: Sandbox, id: string): Promise<object[]> {
    const watcher = this.#find(sandbox, id);
    if (watcher.fault === undefined) await caughtUp(watcher);
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

async function caughtUp(watcher: Watcher): Promise<void> {
  const reached = new Promise<void>((resolve) => watcher.waiting.push(resolve));
  // A watch that is over says so by its end.
  watcher.stream.write(Channel.body, ASK).catch(() => undefined);
  await reached;
}

async function follow(sandbox: Sandbox, target: WatchTarget, watcher: Watcher): Promise<void> {
  try {
    for (let item = await watcher.stream.next(); item; item = await watcher.stream.next()) {
      if (item.type === 'event' && item.event['caughtUp'] === true) watcher.waiting.shift()?.();
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
  watcher.fault ??= new ConnectFault('not_found', 'the watch is over');
  for (const resolve of watcher.waiting.splice(0)) resolve();
}
