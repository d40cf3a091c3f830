import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';

import type { Logger } from 'pino';

import type { AddressRules } from './egress/address-rules.ts';
import { EgressProxy } from './egress/egress-proxy.ts';
import { packFiles, unpackFiles } from './images/archive.ts';
import type { Image, ImageStore } from './images/image-store.ts';
import { startImage } from './images/start-image.ts';
import type { GuestLink } from './link/guest-link.ts';
import { sandboxName, type GuestListener } from './link/guest-listener.ts';
import { TemplateBrokenError, type Nest } from './link/nest.ts';
import type { SandboxLimits } from './options.ts';
import { Sandbox, newId, type NetworkRequest, type SandboxEnd, type SandboxRequest } from './sandbox.ts';
import { WarmPool, type WarmSandbox } from './warm-pool.ts';
import { ApiError } from './wire/api-error.ts';
import { ConnectFault } from './wire/connect-fault.ts';

const CREATE_TIMEOUT_MS = 120_000;
const KILL_TIMEOUT_MS = 5_000;
const MB = 1024 * 1024;

/** What the registry needs to make sandboxes. */
export interface SandboxesDeps {
  listener: GuestListener;
  nests: Nest[];
  images: ImageStore;
  maxSandboxes: number;
  limits: SandboxLimits;
  /** Sandboxes of the default template that are started beforehand. */
  warm: number;
  /** What sandboxes with internet access may reach; undefined where none has it. */
  addressRules: AddressRules | undefined;
  log: Logger;
}

/** What a new sandbox starts with beside its template. */
interface Origin {
  nest: Nest;
  image?: Image;
  /** An archive of files, the image's or another sandbox's. */
  archive?: string;
  /** Folders beside those of the image. */
  folders?: string[];
}

/** Every sandbox of the server: makes, finds, pauses, copies and ends them. */
export class Sandboxes {
  #deps: SandboxesDeps;
  #live = new Map<string, Sandbox>();
  #origins = new WeakMap<Sandbox, Origin>();
  #ways = new WeakMap<Sandbox, EgressProxy>();
  #pool: WarmPool;
  #starting = 0;
  #ending = new Set<Promise<void>>();
  #shutdown = new AbortController();

  constructor(deps: SandboxesDeps) {
    this.#deps = deps;
    this.#pool = new WarmPool(deps.warm, () => this.#startWarm());
  }

  /** Starts the sandboxes that are to be there beforehand; returns at once. */
  warmUp(): void {
    this.#pool.fill();
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
    return this.#make(request, { ...this.#originOf(request.templateId), folders });
  }

  /** Ends a sandbox and cuts what is open to it; false where there is none. Waits until its processes are gone. */
  async kill(id: string, reason: SandboxEnd): Promise<boolean> {
    const sandbox = this.#live.get(id);
    if (!sandbox) return false;
    this.#live.delete(id);
    sandbox.detach();
    this.#deps.log.info({ event: 'sandbox.ended', sandboxId: id, reason });
    const ended = Promise.all([
      this.#endProcesses(sandbox),
      rm(this.#deps.images.scratchOf(id), { force: true }),
    ]).then(() => void this.#ending.delete(ended));
    this.#ending.add(ended);
    await ended;
    return true;
  }

  /** Ends every sandbox, and those that are being started. */
  async killAll(): Promise<void> {
    this.#pool.close();
    this.#shutdown.abort(new ApiError(503, 'the sandbox server is stopping'));
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
    const image = { id: newId('s'), kind: 'snapshot', names, envs, sandboxId: sandbox.id } as const;
    return this.capture(sandbox, { ...image, names });
  }

  /** Makes an image of a sandbox's files; what is not told of it is as in the image that the sandbox was made from. */
  async capture(
    sandbox: Sandbox,
    known: Pick<Image, 'id' | 'kind' | 'names' | 'envs'> & Partial<Image>,
    beforeAdding: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Image> {
    const { images, log } = this.#deps;
    const bytes = await this.#copyFiles(sandbox, images.scratchOf(known.id));
    const from = this.#origins.get(sandbox)?.image;
    const folders = this.#foldersOf(sandbox);
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
    } catch (error) {
      await rm(images.scratchOf(image.id), { force: true });
      throw error;
    }
    images.add(image);
    sandbox.log.add('info', `${image.kind} made`, { imageId: image.id });
    log.info({ event: 'image.made', kind: image.kind, sandboxId: sandbox.id, imageId: image.id, bytes });
    return image;
  }

  #foldersOf(sandbox: Sandbox): string[] {
    const origin = this.#origins.get(sandbox);
    return [...new Set([...(origin?.image?.folders ?? []), ...(origin?.folders ?? [])])];
  }

  /** Makes copies of a sandbox that start with its files. One that fails is an error in the list. @throws ApiError 404 · 500 */
  async fork(sandbox: Sandbox, count: number, timeoutMs: number): Promise<PromiseSettledResult<Sandbox>[]> {
    const archive = this.#deps.images.scratchOf(newId('f'));
    await this.#copyFiles(sandbox, archive);
    const origin = this.#origins.get(sandbox) ?? this.#originOf(sandbox.template);
    const request = { ...sandbox.request, timeoutMs };
    try {
      return await Promise.allSettled(
        Array.from({ length: count }, () => this.#make(request, { ...origin, archive })),
      );
    } finally {
      await rm(archive, { force: true });
    }
  }

  /** Changes what a sandbox may reach. Open connections that it may no longer have are cut. */
  setNetwork(sandbox: Sandbox, network: NetworkRequest): void {
    sandbox.network = network;
    this.#ways.get(sandbox)?.update(network);
  }

  #openWay(sandbox: Sandbox): void {
    void this.#ways.get(sandbox)?.serve(sandbox.link);
  }

  #originOf(templateId: string): Origin {
    const { nests, images } = this.#deps;
    const named = nests.find((candidate) => candidate.answersTo(templateId));
    if (named) return { nest: named };
    const image = images.find(templateId);
    const nest = image && nests.find((candidate) => candidate.answersTo(image.base));
    if (image && !nest)
      throw new ApiError(400, `'${templateId}' needs the template '${image.base}', which is not there`);
    if (!image || !nest) throw new ApiError(404, `template '${templateId}' not found`);
    return { nest, image, archive: images.archiveOf(image.id) };
  }

  async #make(request: SandboxRequest, origin: Origin): Promise<Sandbox> {
    const { log, limits } = this.#deps;
    const started = performance.now();
    const { id, link } = (await this.#takeWarm(request, origin)) ?? (await this.#bootNew(request, origin));
    const identity = { id, template: origin.nest.name, request, limits };
    const sandbox = new Sandbox(identity, link, () => void this.#timeIsUp(sandbox));
    this.#origins.set(sandbox, origin);
    this.#live.set(id, sandbox);
    const { addressRules } = this.#deps;
    if (request.internet && addressRules) {
      this.#ways.set(sandbox, new EgressProxy(addressRules, request.network, log.child({ sandboxId: id })));
    }
    this.#openWay(sandbox);
    this.#watch(sandbox, link);
    const durationMs = Math.round(performance.now() - started);
    sandbox.log.add('info', `created in ${durationMs} ms`, { template: origin.nest.name });
    log.info({ event: 'sandbox.created', sandboxId: id, template: origin.nest.name, durationMs });
    return sandbox;
  }

  async #bootNew(request: SandboxRequest, origin: Origin): Promise<WarmSandbox> {
    const id = newId();
    return { id, link: await this.#boot(id, request, origin) };
  }

  /** One that was started beforehand, where it is like what is asked for. */
  async #takeWarm(
    request: SandboxRequest,
    { nest, archive, folders }: Origin,
  ): Promise<WarmSandbox | undefined> {
    const isPlain = nest === this.#deps.nests[0] && archive === undefined && !folders?.length;
    if (!isPlain || request.internet || this.#deps.warm === 0) return undefined;
    this.#expectRoom();
    const taken = this.#pool.take();
    try {
      await taken?.link.call('sandbox.configure', { envs: request.envs });
      return taken;
    } catch {
      taken?.link.destroy();
      return undefined; // It died meanwhile, or the variables are wrong, which the one that is started now will say.
    }
  }

  async #startWarm(): Promise<WarmSandbox> {
    const id = newId();
    const [nest] = this.#deps.nests;
    if (!nest) throw new Error('there is no template');
    const plain = { envs: {}, internet: false } as SandboxRequest;
    const link = await this.#spawn(id, plain, { nest });
    // A template without Python has no interpreter to prepare.
    await link.call('kernel.prepare', { language: 'python' }).catch(() => undefined);
    return { id, link };
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
    this.#openWay(sandbox);
  }

  async #putOnDisk(sandbox: Sandbox): Promise<void> {
    await packFiles(sandbox.link, this.#deps.images.scratchOf(sandbox.id), this.#packing(sandbox));
    sandbox.state = 'on-disk';
    sandbox.detach();
    await this.#endProcesses(sandbox);
  }

  async #takeFromDisk(sandbox: Sandbox, timeoutMs: number): Promise<void> {
    const archive = this.#deps.images.scratchOf(sandbox.id);
    const origin = this.#origins.get(sandbox) ?? this.#originOf(sandbox.template);
    const link = await this.#boot(sandbox.id, sandbox.request, { ...origin, archive });
    await rm(archive, { force: true });
    sandbox.release(link, timeoutMs);
    this.#openWay(sandbox);
    this.#watch(sandbox, link);
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

  /** Files take more in an archive than on their disk, where each is small. */
  #packing(sandbox: Sandbox): { folders: string[]; maxBytes: number } {
    const { homeMb, tmpMb } = sandbox.limits;
    const folders = this.#foldersOf(sandbox);
    return { folders, maxBytes: 2 * (homeMb + tmpMb * (1 + folders.length)) * MB };
  }

  async #endProcesses(sandbox: Sandbox): Promise<void> {
    const nest = this.#deps.nests.find((candidate) => candidate.name === sandbox.template);
    await nest?.kill(sandbox.id, KILL_TIMEOUT_MS);
  }

  /** Those that are there beforehand are nobody's, and do not count. */
  #expectRoom(): void {
    const { maxSandboxes } = this.#deps;
    const running = this.all().filter((sandbox) => sandbox.state !== 'on-disk').length;
    if (running + this.#starting < maxSandboxes) return;
    throw new ApiError(429, `this server runs at most ${maxSandboxes} sandboxes at a time`);
  }

  /** Starts the processes of a sandbox and puts its files there. @throws ApiError */
  async #boot(id: string, request: SandboxRequest, origin: Origin): Promise<GuestLink> {
    const { log } = this.#deps;
    this.#expectRoom();
    const { nest, image, archive } = origin;
    this.#starting += 1;
    try {
      const link = await this.#spawn(id, request, origin);
      try {
        if (archive) await unpackFiles(link, archive);
        if (image?.start) await startImage(link, image.start, this.#shutdown.signal);
      } catch (error) {
        link.destroy();
        void nest.kill(id, KILL_TIMEOUT_MS);
        throw error;
      }
      return link;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      const isAsked = error instanceof ConnectFault && error.code === 'invalid_argument';
      if (isAsked || error instanceof TemplateBrokenError) {
        throw new ApiError(400, error.message, { cause: error });
      }
      const message = error instanceof Error ? error.message : String(error);
      log.error({ event: 'sandbox.start-failed', template: nest.name, error: message });
      throw new ApiError(500, `the sandbox could not be started: ${message}`, { cause: error });
    } finally {
      this.#starting -= 1;
    }
  }

  async #spawn(id: string, request: SandboxRequest, origin: Origin): Promise<GuestLink> {
    const { nest, image } = origin;
    const token = randomBytes(24).toString('hex');
    const abandon = new AbortController();
    const signal = AbortSignal.any([
      abandon.signal,
      this.#shutdown.signal,
      AbortSignal.timeout(CREATE_TIMEOUT_MS),
    ]);
    await nest.ready(signal);
    const arriving = this.#deps.listener.expect(sandboxName(id), token, signal);
    const { limits } = this.#deps;
    const envs = { ...image?.envs, ...request.envs };
    // Its end closes the link, which is watched.
    const spawning = nest.spawn(
      {
        sandboxId: id,
        token,
        limits,
        internet: request.internet,
        envs,
        folders: [...(image?.folders ?? []), ...(origin.folders ?? [])],
        ...(image?.cwd !== undefined && { cwd: image.cwd }),
      },
      signal,
    );
    try {
      const [link] = await Promise.all([arriving, spawning]);
      return link;
    } catch (error) {
      abandon.abort(error);
      await Promise.allSettled([arriving, spawning]);
      void nest.kill(id, KILL_TIMEOUT_MS);
      throw error;
    }
  }
}

function couldNot(what: string, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, `the sandbox could not ${what}: ${message}`, { cause: error });
}
