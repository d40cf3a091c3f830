import { randomUUID } from 'node:crypto';

import type { Sandbox } from '../sandbox.ts';

const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_EVENTS = 1_000;
const MAX_METADATA = 4_096;

/** Whom E2B calls a team; this server has one. */
export const TEAM_ID = 'local';

/** What can happen to a sandbox, after E2B's `sandbox.lifecycle.`. */
export const EVENT_KINDS = ['created', 'killed', 'updated', 'paused', 'resumed', 'snapshotted'] as const;

/** One of {@link EVENT_KINDS}. */
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that happened to a sandbox, as E2B's events API and webhooks tell it. */
export interface LifecycleEvent {
  version: 'v1';
  id: string;
  type: `sandbox.lifecycle.${EventKind}`;
  eventData: object;
  sandboxBuildId: string;
  sandboxExecutionId: string;
  sandboxId: string;
  sandboxTeamId: string;
  sandboxTemplateId: string;
  timestamp: string;
}

/** What happened to sandboxes, those that are gone among them: the newest events of a week, in memory. */
export class LifecycleEvents {
  #events: LifecycleEvent[] = [];
  #runs = new WeakMap<Sandbox, string>();
  #tell: (event: LifecycleEvent) => void = () => undefined;

  /** Has each event from here on told to one listener. */
  listen(tell: (event: LifecycleEvent) => void): void {
    this.#tell = tell;
  }

  add(kind: EventKind, sandbox: Sandbox, data: object = {}): void {
    const run = kind === 'resumed' ? undefined : this.#runs.get(sandbox);
    const sandboxExecutionId = run ?? randomUUID();
    this.#runs.set(sandbox, sandboxExecutionId);
    const { metadata } = sandbox.request;
    // Events outlive their sandboxes, so they have to be small.
    const isSmall = JSON.stringify(metadata).length <= MAX_METADATA;
    const event: LifecycleEvent = {
      version: 'v1',
      id: randomUUID(),
      type: `sandbox.lifecycle.${kind}`,
      eventData: { sandbox_metadata: isSmall ? metadata : {}, ...data },
      sandboxBuildId: sandbox.template,
      sandboxExecutionId,
      sandboxId: sandbox.id,
      sandboxTeamId: TEAM_ID,
      sandboxTemplateId: sandbox.template,
      timestamp: new Date().toISOString(),
    };
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
    this.#tell(event);
  }

  /** Oldest first, of one sandbox where it is named. */
  all(sandboxId?: string): LifecycleEvent[] {
    const from = new Date(Date.now() - KEPT_MS).toISOString();
    return this.#events.filter(
      (event) => event.timestamp >= from && (sandboxId === undefined || event.sandboxId === sandboxId),
    );
  }
}
