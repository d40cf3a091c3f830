import { randomBytes } from 'node:crypto';

import type { OutboundRules } from './egress/address-rules.ts';
import type { GuestLink } from './link/guest-link.ts';
import { MetricSeries } from './metrics.ts';
import type { SandboxLimits } from './options.ts';
import { SandboxLog } from './sandbox-log.ts';
import type { VolumeMount } from './volumes/volume-mounts.ts';

/** What a client asked for when it created a sandbox. */
export interface SandboxRequest {
  /** The name that the client used for the template. */
  templateId: string;
  metadata: Record<string, string>;
  envs: Record<string, string>;
  timeoutMs: number;
  internet: boolean;
  lifecycle: Lifecycle;
  /** Whether its code interpreter asks for a token too, which older clients do not send. */
  secure: boolean;
  network: NetworkRequest;
  volumeMounts: VolumeMount[];
}

/** How the network of a sandbox is to be, by E2B's names. */
export interface NetworkRequest extends OutboundRules {
  /** Whether servers in the sandbox can be reached without a token. Default true. */
  allowPublicTraffic?: boolean;
  /** The host that servers in the sandbox are told they were asked by; `${PORT}` stands for the port. */
  maskRequestHost?: string;
  /** Ports whose servers speak TLS. */
  httpsPorts?: number[];
}

/** What becomes of a sandbox whose time is up. */
export interface Lifecycle {
  onTimeout: 'kill' | 'pause';
  /** Whether a pause keeps processes, or files alone. */
  keepMemory: boolean;
  /** Whether a request to a paused sandbox resumes it. */
  autoResume: boolean;
}

/** Why a sandbox ended. */
export type SandboxEnd = 'killed' | 'timeout' | 'lost' | 'shutdown' | 'unheard-of' | 'volume-full';

/** `paused` with its processes stopped, or `on-disk` with its files alone. */
export type SandboxState = 'running' | 'paused' | 'on-disk';

/** One sandbox: who it is, until when it lives, and the link to its supervisor. */
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
  readonly log = new SandboxLog();
  readonly metrics = new MetricSeries();
  state: SandboxState = 'running';
  /** How its network is now. */
  network: NetworkRequest;
  #link: GuestLink;
  #endAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #onTimeout: () => void;
  #changes: Promise<unknown> = Promise.resolve();

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
    this.network = identity.request.network;
    this.#link = link;
    this.#onTimeout = onTimeout;
    this.setTimeout(identity.request.timeoutMs);
  }

  /** The link to its supervisor; a closed one where its processes are gone. */
  get link(): GuestLink {
    return this.#link;
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

  /** Cuts every call that is open to this sandbox, for good. */
  detach(): void {
    clearTimeout(this.#timer);
    this.link.destroy();
  }

  /** Fails what is open to this sandbox and lets nothing more in; its time stands still. */
  hold(): void {
    clearTimeout(this.#timer);
    this.state = 'paused';
    this.link.abandonCalls();
  }

  /** Lets calls in again, over a new link where its processes are new. */
  release(link: GuestLink, timeoutMs: number): void {
    this.#link = link;
    this.state = 'running';
    this.setTimeout(timeoutMs);
  }

  /** Runs changes of its state one after the other. */
  change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(work);
    this.#changes = done.catch(() => undefined);
    return done;
  }
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new id, of a sandbox (`i`) or something else by its letter: 20 lowercase letters and digits, as E2B's are. */
export function newId(letter = 'i'): string {
  let id = letter;
  while (id.length < 20) {
    for (const byte of randomBytes(32)) {
      // Bytes from 252 on are thrown away, so that every character is as likely as any other.
      if (byte < 252 && id.length < 20) id += ID_ALPHABET[byte % 36];
    }
  }
  return id;
}
