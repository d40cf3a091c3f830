import { randomBytes } from 'node:crypto';

import type { Logger } from 'pino';

import { sandboxName, type GuestListener } from './link/guest-listener.ts';
import { TemplateBrokenError, type Nest } from './link/nest.ts';
import type { SandboxLimits } from './options.ts';
import { Sandbox, newSandboxId, type SandboxEnd, type SandboxRequest } from './sandbox.ts';
import { ApiError } from './wire/api-error.ts';

const CREATE_TIMEOUT_MS = 120_000;
const KILL_TIMEOUT_MS = 5_000;

/** What the registry needs to make sandboxes. */
export interface SandboxesDeps {
  listener: GuestListener;
  nests: Nest[];
  maxSandboxes: number;
  limits: SandboxLimits;
  log: Logger;
}

/** Every sandbox of the server: makes, finds and ends them. */
export class Sandboxes {
  #deps: SandboxesDeps;
  #live = new Map<string, Sandbox>();
  #starting = 0;
  #ending = new Set<Promise<void>>();
  #shutdown = new AbortController();

  constructor(deps: SandboxesDeps) {
    this.#deps = deps;
  }

  /** The running sandbox with this id. */
  get(id: string): Sandbox | undefined {
    return this.#live.get(id);
  }

  /** All running sandboxes, oldest first. */
  all(): Sandbox[] {
    return [...this.#live.values()];
  }

  /**
   * Starts a sandbox; waits for its template where that is still loading.
   * @throws ApiError 404 unknown template · 400 a template that cannot be loaded · 429 too many sandboxes · 500 it could not be started ·
   *   503 the server is stopping
   */
  async create(request: SandboxRequest): Promise<Sandbox> {
    const { maxSandboxes, log } = this.#deps;
    const nest = this.#deps.nests.find((candidate) => candidate.answersTo(request.templateId));
    if (!nest) throw new ApiError(404, `template '${request.templateId}' not found`);
    if (this.#live.size + this.#starting >= maxSandboxes) {
      throw new ApiError(429, `this server runs at most ${maxSandboxes} sandboxes at a time`);
    }
    const started = performance.now();
    this.#starting += 1;
    try {
      const sandbox = await this.#start(nest, request);
      const durationMs = Math.round(performance.now() - started);
      log.info({ event: 'sandbox.created', sandboxId: sandbox.id, template: nest.name, durationMs });
      return sandbox;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (error instanceof TemplateBrokenError) throw new ApiError(400, error.message, { cause: error });
      const message = error instanceof Error ? error.message : String(error);
      log.error({ event: 'sandbox.start-failed', template: nest.name, error: message });
      throw new ApiError(500, `the sandbox could not be started: ${message}`, { cause: error });
    } finally {
      this.#starting -= 1;
    }
  }

  /** Ends a sandbox and cuts what is open to it; false where there is none. Waits until its processes are gone. */
  async kill(id: string, reason: SandboxEnd): Promise<boolean> {
    const sandbox = this.#live.get(id);
    if (!sandbox) return false;
    this.#live.delete(id);
    sandbox.detach();
    this.#deps.log.info({ event: 'sandbox.ended', sandboxId: id, reason });
    const nest = this.#deps.nests.find((candidate) => candidate.name === sandbox.template);
    const ended = (nest?.kill(id, KILL_TIMEOUT_MS) ?? Promise.resolve()).finally(() =>
      this.#ending.delete(ended),
    );
    this.#ending.add(ended);
    await ended;
    return true;
  }

  /** Ends every sandbox, and those that are being started. */
  async killAll(): Promise<void> {
    this.#shutdown.abort(new ApiError(503, 'the sandbox server is stopping'));
    await Promise.all(this.all().map((sandbox) => this.kill(sandbox.id, 'shutdown')));
    await Promise.all(this.#ending);
  }

  async #start(nest: Nest, request: SandboxRequest): Promise<Sandbox> {
    const id = newSandboxId();
    const token = randomBytes(24).toString('hex');
    const abandon = new AbortController();
    const signal = AbortSignal.any([
      abandon.signal,
      this.#shutdown.signal,
      AbortSignal.timeout(CREATE_TIMEOUT_MS),
    ]);
    await nest.ready(signal);
    const arriving = this.#deps.listener.expect(sandboxName(id), token, signal);
    const spawning = nest.spawn(
      { sandboxId: id, token, limits: this.#deps.limits, internet: request.internet, envs: request.envs },
      signal,
      () => void this.kill(id, 'lost'),
    );
    try {
      const [link] = await Promise.all([arriving, spawning]);
      const identity = { id, template: nest.name, request, limits: this.#deps.limits };
      const sandbox = new Sandbox(identity, link, () => void this.kill(id, 'timeout'));
      this.#live.set(id, sandbox);
      void link.closed.then((fault) => {
        if (fault) this.#deps.log.warn({ event: 'guest.fault', sandboxId: id, error: fault.message });
        return this.kill(id, 'lost');
      });
      return sandbox;
    } catch (error) {
      abandon.abort(error);
      await Promise.allSettled([arriving, spawning]);
      void nest.kill(id, KILL_TIMEOUT_MS);
      throw error;
    }
  }
}
