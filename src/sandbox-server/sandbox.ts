import { randomBytes } from 'node:crypto';

import type { GuestLink } from './link/guest-link.ts';
import type { SandboxLimits } from './options.ts';

/** What a client asked for when it created a sandbox. */
export interface SandboxRequest {
  /** The name that the client used for the template. */
  templateId: string;
  metadata: Record<string, string>;
  envs: Record<string, string>;
  timeoutMs: number;
  internet: boolean;
}

/** Why a sandbox ended. */
export type SandboxEnd = 'killed' | 'timeout' | 'lost' | 'shutdown';

/** One running sandbox: who it is, until when it lives, and the link to its supervisor. */
export class Sandbox {
  readonly id: string;
  readonly template: string;
  readonly request: SandboxRequest;
  readonly limits: SandboxLimits;
  /** Opens the guest daemon of this sandbox and no other. */
  readonly accessToken: string;
  /** Opens the code interpreter of this sandbox and no other. */
  readonly trafficToken: string;
  readonly startedAt: Date;
  readonly link: GuestLink;
  #endAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #onTimeout: () => void;

  constructor(
    identity: { id: string; template: string; request: SandboxRequest; limits: SandboxLimits },
    link: GuestLink,
    onTimeout: () => void,
  ) {
    this.id = identity.id;
    this.template = identity.template;
    this.request = identity.request;
    this.limits = identity.limits;
    this.accessToken = randomBytes(24).toString('hex');
    this.trafficToken = randomBytes(24).toString('hex');
    this.startedAt = new Date();
    this.link = link;
    this.#onTimeout = onTimeout;
    this.#endAtMs = 0;
    this.setTimeout(identity.request.timeoutMs);
  }

  get endAt(): Date {
    return new Date(this.#endAtMs);
  }

  /** Lets the sandbox live this long from now, longer or shorter than before. */
  setTimeout(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#endAtMs = Date.now() + timeoutMs;
    this.#timer = setTimeout(this.#onTimeout, timeoutMs);
  }

  /** Lets the sandbox live at least this long from now. */
  extendTimeout(timeoutMs: number): void {
    if (Date.now() + timeoutMs > this.#endAtMs) this.setTimeout(timeoutMs);
  }

  /** Cuts every call that is open to this sandbox. */
  detach(): void {
    clearTimeout(this.#timer);
    this.link.destroy();
  }
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new sandbox id: 20 lowercase letters and digits, as E2B's are. */
export function newSandboxId(): string {
  let id = 'i';
  while (id.length < 20) {
    for (const byte of randomBytes(32)) {
      // Bytes from 252 on are thrown away, so that every character is as likely as any other.
      if (byte < 252 && id.length < 20) id += ID_ALPHABET[byte % 36];
    }
  }
  return id;
}
