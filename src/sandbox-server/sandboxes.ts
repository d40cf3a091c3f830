import { rm } from 'node:fs/promises';

import type { Logger } from 'pino';

import type { LifecycleEvents } from './events/lifecycle-events.ts';
import { packFiles } from './images/archive.ts';
import type { Image, ImageStore } from './images/image-store.ts';
import type { GuestLink } from './link/guest-link.ts';
import type { SandboxLimits } from './options.ts';
import { MAX_ROOT_FOLDERS } from './root-folders.ts';
import { foldersOf, type Origin, type SandboxStarter } from './sandbox-starter.ts';
import { Sandbox, newId, type SandboxEnd, type SandboxRequest } from './sandbox.ts';
import { VolumeGuard } from './volumes/volume-guard.ts';
import type { Volumes } from './volumes/volumes.ts';
import type { WaysOut } from './ways-out.ts';
import { ApiError } from './wire/api-error.ts';
import { ConnectFault } from './wire/connect-fault.ts';

const MB = 1024 * 1024;

/** What the registry needs to make sandboxes. */
export interface SandboxesDeps {
  starter: SandboxStarter;
  images: ImageStore;
  maxSandboxes: number;
  limits: SandboxLimits;
  ways: WaysOut;
  volumes: Volumes;
  events: LifecycleEvents;
  log: Logger;
}

/** Every sandbox of the server: makes, finds, pauses, copies and ends them. */
export class Sandboxes {
  #deps: SandboxesDeps;
  #live = new Map<string, Sandbox>();
  #origins = new WeakMap<Sandbox, Origin>();
  #ending = new Set<Promise<void>>();
  #volumeGuard: VolumeGuard;

  constructor(deps: SandboxesDeps) {
    this.#deps = deps;
    this.#volumeGuard = new VolumeGuard({
      volumes: deps.volumes,
      log: deps.log,
      setWritable: (sandbox, mount, writable) => deps.starter.setWritable(sandbox, mount, writable),
      end: async (sandbox) => void (await this.kill(sandbox.id, 'volume-full')),
    });
  }

  /** The sandbox with this id, running or paused. */
  get(id: string): Sandbox | undefined {
    return this.#live.get(id);
  }

  /** All sandboxes, oldest first. */
  all(): Sandbox[] {
    return [...this.#live.values()];
  }

  /**
   * Starts a sandbox; waits for its template where that is still loading.
   * @throws ApiError 404 unknown template · 400 a template that cannot be loaded, too many variables · 429 too many sandboxes · 500 it could not be started ·
   *   503 the server is stopping
   */
  async create(request: SandboxRequest, folders: string[] = []): Promise<Sandbox> {
    await this.#deps.ways.check(request.network);
    return this.#make(request, { ...this.#deps.starter.originOf(request.templateId), folders });
  }

  /** Ends a sandbox and cuts what is open to it; false where there is none. Waits until its processes are gone. */
  async kill(id: string, reason: SandboxEnd): Promise<boolean> {
    const sandbox = this.#live.get(id);
    if (!sandbox) return false;
    this.#live.delete(id);
    sandbox.detach();
    this.#deps.events.add('killed', sandbox, { reason });
    this.#deps.log.info({ event: 'sandbox.ended', sandboxId: id, reason });
    const ended = Promise.all([
      this.#deps.starter.end(sandbox.template, id),
      rm(this.#deps.images.scratchOf(id), { force: true }),
    ]).then(() => {
      this.#ending.delete(ended);
      this.#volumeGuard.remove(sandbox);
      // It may have been the last that kept a removed volume in use.
      if (sandbox.request.volumeMounts.length > 0) void this.#deps.volumes.sweep();
    });
    this.#ending.add(ended);
    await ended;
    return true;
  }

  /** Ends every sandbox, and those that are being started. */
  async killAll(): Promise<void> {
    this.#deps.starter.close();
    await Promise.all(this.all().map((sandbox) => this.kill(sandbox.id, 'shutdown')));
    await Promise.all(this.#ending);
  }

  /**
   * Stops a sandbox until it is resumed: with its processes, which stay in memory, or with its files alone. Open calls to it fail.
   * @returns false where it was paused already
   * @throws ApiError 500 where it goes on running, for it could not be stopped or its files could not be kept
   */
  async pause(sandbox: Sandbox, keepMemory: boolean): Promise<boolean> {
    return sandbox.change(async () => {
      if (sandbox.state !== 'running') return false;
      this.#expectLive(sandbox);
      const leftMs = Math.max(0, sandbox.endAt.getTime() - Date.now());
      sandbox.hold();
      try {
        await sandbox.link.call('sandbox.freeze');
        if (!keepMemory) await this.#putOnDisk(sandbox);
      } catch (error) {
        if (this.#live.has(sandbox.id)) await this.#thaw(sandbox, leftMs);
        throw couldNot('be paused', error);
      }
      sandbox.log.add('info', keepMemory ? 'paused' : 'paused, with its files alone');
      this.#deps.events.add('paused', sandbox);
      this.#deps.log.info({ event: 'sandbox.paused', sandboxId: sandbox.id, keepMemory });
      return true;
    });
  }

  /**
   * Lets a paused sandbox go on, and a running one live at least this long.
   * @param keepMemory false where its processes are to be ended and its files alone taken over
   * @returns whether it was paused
   * @throws ApiError 404 · 429 · 500
   */
  async resume(sandbox: Sandbox, timeoutMs: number, keepMemory = true): Promise<boolean> {
    return sandbox.change(async () => {
      this.#expectLive(sandbox);
      if (sandbox.state === 'running') {
        sandbox.extendTimeout(timeoutMs);
        return false;
      }
      try {
        if (sandbox.state === 'paused' && !keepMemory) await this.#putOnDisk(sandbox);
        if (sandbox.state === 'on-disk') await this.#takeFromDisk(sandbox, timeoutMs);
        else await this.#thaw(sandbox, timeoutMs);
      } catch (error) {
        throw couldNot('be resumed', error);
      }
      sandbox.log.add('info', 'resumed');
      this.#deps.events.add('resumed', sandbox);
      this.#deps.log.info({ event: 'sandbox.resumed', sandboxId: sandbox.id });
      return true;
    });
  }

  /**
   * Makes an image of a sandbox's files, as they are at one moment. Its processes are stopped meanwhile, then go on.
   * @throws ApiError 404 · 500
   */
  async snapshot(sandbox: Sandbox, names: string[]): Promise<Image> {
    const { envs } = sandbox.request;
    return this.capture(sandbox, { id: newId('s'), kind: 'snapshot', names, envs, sandboxId: sandbox.id });
  }

  /** Makes an image of a sandbox's files; what is not told of it is as in the image that the sandbox was made from. */
  async capture(
    sandbox: Sandbox,
    known: Pick<Image, 'id' | 'kind' | 'names' | 'envs'> & Partial<Image>,
    beforeAdding: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Image> {
    const { images, events, log } = this.#deps;
    this.#expectImageRoom(known.kind, 1);
    const bytes = await this.#copyFiles(sandbox, images.scratchOf(known.id));
    const { image: from } = this.#originOf(sandbox);
    const folders = foldersOf(this.#originOf(sandbox), sandbox.request);
    const image: Image = {
      base: sandbox.template,
      bytes,
      createdAt: new Date().toISOString(),
      ...(from?.cwd !== undefined && { cwd: from.cwd }),
      ...(folders.length > 0 && { folders }),
      ...(from?.start && { start: from.start }),
      ...known,
      envs: { ...from?.envs, ...known.envs },
    };
    try {
      await beforeAdding();
      this.#expectImageRoom(image.kind, bytes);
    } catch (error) {
      await rm(images.scratchOf(image.id), { force: true });
      throw error;
    }
    images.add(image);
    sandbox.log.add('info', `${image.kind} made`, { imageId: image.id });
    if (image.kind === 'snapshot') events.add('snapshotted', sandbox, { snapshot_id: image.id });
    log.info({ event: 'image.made', kind: image.kind, sandboxId: sandbox.id, imageId: image.id, bytes });
    return image;
  }

  #expectImageRoom(kind: Image['kind'], bytes: number): void {
    const { images } = this.#deps;
    if (images.makeRoom(kind, bytes)) return;
    const limit = `${images.maxBytes / MB} MiB that this server keeps in all`;
    throw new ApiError(
      507,
      `there is no room for it in the snapshots and templates of ${limit}: remove some first`,
    );
  }

  /** What it was made from, which is known of each. */
  #originOf(sandbox: Sandbox): Origin {
    return this.#origins.get(sandbox) as Origin;
  }

  /**
   * Gives a sandbox a folder right under `/`, for as long as its home. False where there is something of that name, or it has as many as it
   * may have. @throws ConnectFault · GuestLostError
   */
  async addFolder(sandbox: Sandbox, path: string): Promise<boolean> {
    return sandbox.change(async () => {
      const origin = this.#originOf(sandbox);
      const folders = foldersOf(origin, sandbox.request);
      if (folders.includes(path) || folders.length >= MAX_ROOT_FOLDERS) return false;
      try {
        await origin.nest.addFolder(sandbox.id, path, sandbox.limits.tmpMb);
      } catch (error) {
        if (error instanceof ConnectFault && error.code === 'already_exists') return false;
        throw error;
      }
      this.#origins.set(sandbox, { ...origin, folders: [...(origin.folders ?? []), path] });
      return true;
    });
  }

  /** Makes copies of a sandbox that start with its files. One that fails is an error in the list. @throws ApiError 404 · 500 */
  async fork(sandbox: Sandbox, count: number, timeoutMs: number): Promise<PromiseSettledResult<Sandbox>[]> {
    const archive = this.#deps.images.scratchOf(newId('f'));
    await this.#copyFiles(sandbox, archive);
    const origin = this.#originOf(sandbox);
    const request = { ...sandbox.request, timeoutMs };
    try {
      return await Promise.allSettled(
        Array.from({ length: count }, () => this.#make(request, { ...origin, archive })),
      );
    } finally {
      await rm(archive, { force: true });
    }
  }

  async #make(request: SandboxRequest, origin: Origin): Promise<Sandbox> {
    const { log, limits } = this.#deps;
    this.#expectRoom();
    const started = performance.now();
    const { id, link } = await this.#deps.starter.start(request, origin);
    const identity = { id, template: origin.nest.name, request, limits };
    const sandbox = new Sandbox(identity, link, () => void this.#timeIsUp(sandbox));
    this.#origins.set(sandbox, origin);
    this.#live.set(id, sandbox);
    this.#deps.ways.give(sandbox);
    await this.#deps.ways.open(sandbox);
    this.#watch(sandbox, link);
    await this.#volumeGuard.add(sandbox);
    const durationMs = Math.round(performance.now() - started);
    sandbox.log.add('info', `created in ${durationMs} ms`, { template: origin.nest.name });
    this.#deps.events.add('created', sandbox);
    log.info({ event: 'sandbox.created', sandboxId: id, template: origin.nest.name, durationMs });
    return sandbox;
  }

  async #timeIsUp(sandbox: Sandbox): Promise<void> {
    const { onTimeout, keepMemory } = sandbox.request.lifecycle;
    try {
      if (onTimeout === 'pause') return void (await this.pause(sandbox, keepMemory));
    } catch (error) {
      this.#deps.log.error({ event: 'sandbox.pause-failed', sandboxId: sandbox.id, error: String(error) });
    }
    await this.kill(sandbox.id, 'timeout');
  }

  /** A sandbox whose link is lost while it is its own is lost too. */
  #watch(sandbox: Sandbox, link: GuestLink): void {
    void link.closed.then((fault) => {
      if (fault) this.#deps.log.warn({ event: 'guest.fault', sandboxId: sandbox.id, error: fault.message });
      if (sandbox.link === link && sandbox.state !== 'on-disk') return this.kill(sandbox.id, 'lost');
    });
  }

  /** A sandbox may have been killed while a change of it waited for its turn. */
  #expectLive(sandbox: Sandbox): void {
    if (!this.#live.has(sandbox.id)) throw new ApiError(404, `sandbox '${sandbox.id}' not found`);
  }

  async #thaw(sandbox: Sandbox, timeoutMs: number): Promise<void> {
    await sandbox.link.call('sandbox.thaw');
    sandbox.release(sandbox.link, timeoutMs);
    await this.#deps.ways.open(sandbox);
  }

  async #putOnDisk(sandbox: Sandbox): Promise<void> {
    const archive = this.#deps.images.scratchOf(sandbox.id);
    await packFiles(sandbox.link, archive, this.#packing(sandbox));
    if (!this.#live.has(sandbox.id)) await rm(archive, { force: true });
    this.#expectLive(sandbox);
    sandbox.state = 'on-disk';
    sandbox.detach();
    await this.#deps.starter.end(sandbox.template, sandbox.id);
  }

  async #takeFromDisk(sandbox: Sandbox, timeoutMs: number): Promise<void> {
    const archive = this.#deps.images.scratchOf(sandbox.id);
    const origin = this.#originOf(sandbox);
    this.#expectRoom();
    const link = await this.#deps.starter.startAs(sandbox.id, sandbox.request, { ...origin, archive });
    await rm(archive, { force: true });
    if (!this.#live.has(sandbox.id)) {
      // Killed while it was started again.
      link.destroy();
      await this.#deps.starter.end(sandbox.template, sandbox.id);
    }
    this.#expectLive(sandbox);
    sandbox.release(link, timeoutMs);
    await this.#deps.ways.open(sandbox);
    this.#watch(sandbox, link);
    await this.#volumeGuard.add(sandbox);
  }

  /** Archives a sandbox's files while nothing in it runs. */
  async #copyFiles(sandbox: Sandbox, path: string): Promise<number> {
    return sandbox.change(async () => {
      this.#expectLive(sandbox);
      if (sandbox.state === 'on-disk')
        throw new ApiError(409, 'the sandbox is paused without its memory: resume it first');
      const { link } = sandbox;
      try {
        await link.call('sandbox.freeze');
        return await packFiles(link, path, this.#packing(sandbox));
      } catch (error) {
        throw couldNot('be copied', error);
      } finally {
        if (sandbox.state === 'running') await link.call('sandbox.thaw').catch(() => undefined);
      }
    });
  }

  /** Those that are there beforehand are nobody's, and do not count. */
  #expectRoom(): void {
    const { maxSandboxes } = this.#deps;
    const running = this.all().filter((sandbox) => sandbox.state !== 'on-disk').length;
    if (running + this.#deps.starter.starting < maxSandboxes) return;
    throw new ApiError(429, `this server runs at most ${maxSandboxes} sandboxes at a time`);
  }

  /** Files take more in an archive than on their disk, where each is small. */
  #packing(sandbox: Sandbox): { folders: string[]; maxBytes: number } {
    const { homeMb, tmpMb } = sandbox.limits;
    const folders = foldersOf(this.#originOf(sandbox), sandbox.request);
    return { folders, maxBytes: 2 * (homeMb + tmpMb * (1 + folders.length)) * MB };
  }
}

function couldNot(what: string, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, `the sandbox could not ${what}: ${message}`, { cause: error });
}
