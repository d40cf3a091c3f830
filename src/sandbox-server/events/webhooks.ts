import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from 'pino';

import type { LifecycleEvent } from './lifecycle-events.ts';

const MAX_WAITING = 1_000;
const ANSWER_MS = 10_000;
const RETRIES_AFTER_MS = [1_000, 5_000];

/** Where events are to be sent. */
export interface Webhook {
  id: string;
  name: string;
  url: string;
  enabled: boolean;
  /** Types of events. */
  events: string[];
  signatureSecret: string;
  createdAt: string;
}

/** Sends events to the addresses that asked for them, signed as E2B signs them. The addresses are kept in a file that only its user can read. */
export class Webhooks {
  #path: string;
  #log: Logger;
  #hooks = new Map<string, Webhook>();
  #waiting = 0;
  #closing = new AbortController();

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    if (!existsSync(path)) return;
    for (const hook of JSON.parse(readFileSync(path, 'utf8')) as Webhook[]) this.#hooks.set(hook.id, hook);
  }

  all(): Webhook[] {
    return [...this.#hooks.values()];
  }

  get(id: string): Webhook | undefined {
    return this.#hooks.get(id);
  }

  /** Keeps a new one, or one that has changed. */
  keep(hook: Omit<Webhook, 'id' | 'createdAt'> & Partial<Webhook>): Webhook {
    const kept = { id: randomUUID(), createdAt: new Date().toISOString(), ...hook };
    this.#hooks.set(kept.id, kept);
    this.#save();
    return kept;
  }

  remove(id: string): boolean {
    const removed = this.#hooks.delete(id);
    if (removed) this.#save();
    return removed;
  }

  /** Sends an event to whom it concerns, without being waited for. Where too many wait it is left out, which the log says. */
  tell(event: LifecycleEvent): void {
    for (const hook of this.#hooks.values()) {
      if (!hook.enabled || !hook.events.includes(event.type)) continue;
      if (this.#waiting >= MAX_WAITING) this.#failed(hook, event, 'too many others wait');
      else void this.#deliver(hook, event);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #deliver(hook: Webhook, event: LifecycleEvent): Promise<void> {
    this.#waiting++;
    const body = JSON.stringify(event);
    const signature = createHash('sha256')
      .update(hook.signatureSecret + body)
      .digest('base64url');
    const { signal } = this.#closing;
    const headers = {
      'content-type': 'application/json',
      'e2b-webhook-id': hook.id,
      'e2b-signature-version': 'v1',
      'e2b-signature': signature,
    };
    let why = '';
    try {
      for (const pauseMs of [0, ...RETRIES_AFTER_MS]) {
        await sleep(pauseMs, undefined, { signal, ref: false });
        why = await post(hook.url, { ...headers, 'e2b-delivery-id': randomUUID() }, body, signal);
        if (why === '') return;
      }
      this.#failed(hook, event, why);
    } catch {
      // The server stops.
    } finally {
      this.#waiting--;
    }
  }

  #failed(hook: Webhook, event: LifecycleEvent, why: string): void {
    const { id: webhookId } = hook;
    this.#log.warn({ event: 'webhook.failed', webhookId, sandboxId: event.sandboxId, type: event.type, why });
  }

  #save(): void {
    writeFileSync(`${this.#path}.part`, JSON.stringify(this.all()), { mode: 0o600 });
    renameSync(`${this.#path}.part`, this.#path);
  }
}

/** Says why it was not taken, or nothing where it was. */
async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  closing: AbortSignal,
): Promise<string> {
  try {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(ANSWER_MS)]);
    const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    await answer.body?.cancel();
    return answer.ok ? '' : `status ${answer.status}`;
  } catch (error) {
    return String((error as Error).cause ?? error);
  }
}
