import { randomBytes } from 'node:crypto';

import type { Logger } from 'pino';

import { unpackFiles } from './images/archive.ts';
import type { Image, ImageStore } from './images/image-store.ts';
import { startImage } from './images/start-image.ts';
import type { GuestLink } from './link/guest-link.ts';
import { sandboxName, type GuestListener } from './link/guest-listener.ts';
import { TemplateBrokenError, type Nest } from './link/nest.ts';
import type { SandboxLimits } from './options.ts';
import { newId, type Sandbox, type SandboxRequest } from './sandbox.ts';
import type { VolumeMount } from './volumes/volume-mounts.ts';
import type { VolumeStore } from './volumes/volume-store.ts';
import { WarmPool, type WarmSandbox } from './warm-pool.ts';
import { ApiError } from './wire/api-error.ts';
import { ConnectFault } from './wire/connect-fault.ts';

const CREATE_TIMEOUT_MS = 120_000;
const KILL_TIMEOUT_MS = 5_000;

/** What starting sandboxes needs. */
export interface SandboxStarterDeps {
  listener: GuestListener;
  nests: Nest[];
  images: ImageStore;
  volumes: VolumeStore;
  limits: SandboxLimits;
  /** Sandboxes of the default template that are started beforehand. */
  warm: number;
  log: Logger;
}

/** What its processes are told of what a client asked for. */
type ProcessRequest = Pick<SandboxRequest, 'envs' | 'internet' | 'volumeMounts'>;

/** What a new sandbox starts with beside its template. */
export interface Origin {
  nest: Nest;
  image?: Image;
  /** An archive of files, the image's or another sandbox's. */
  archive?: string;
  /** Folders beside those of the image. */
  folders?: string[];
}

/** Starts the processes of sandboxes: of a template, an image or an archive, or takes those that were started beforehand. */
export class SandboxStarter {
  /** Sandboxes that are being started for somebody. */
  starting = 0;
  #deps: SandboxStarterDeps;
  #pool: WarmPool;
  #shutdown = new AbortController();

  constructor(deps: SandboxStarterDeps) {
    this.#deps = deps;
    this.#pool = new WarmPool(deps.warm, () => this.#startWarm());
  }

  /** Starts the sandboxes that are to be there beforehand; returns at once. */
  warmUp(): void {
    this.#pool.fill();
  }

  /** Gives up what is being started, and starts no more. */
  close(): void {
    this.#pool.close();
    this.#shutdown.abort(new ApiError(503, 'the sandbox server is stopping'));
  }

  /** What a template's name means. @throws ApiError 404 · 400 */
  originOf(templateId: string): Origin {
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

  /** A sandbox that nobody has yet, under a new id. @throws ApiError 400 · 500 · 503 */
  start(request: SandboxRequest, origin: Origin): Promise<WarmSandbox> {
    return this.#counted(async () => {
      const taken = await this.#takeWarm(request, origin);
      if (taken) return taken;
      const id = newId();
      return { id, link: await this.#boot(id, request, origin) };
    });
  }

  /** The same under an id that it has already. @throws ApiError 400 · 500 · 503 */
  startAs(id: string, request: SandboxRequest, origin: Origin): Promise<GuestLink> {
    return this.#counted(() => this.#boot(id, request, origin));
  }

  /** Counts at once, so that creates at the same time know of each other. */
  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.starting += 1;
    try {
      return await work();
    } finally {
      this.starting -= 1;
    }
  }

  /** Starts the processes of a sandbox and puts its files there. */
  async #boot(id: string, request: SandboxRequest, origin: Origin): Promise<GuestLink> {
    const { log } = this.#deps;
    const { nest, image, archive } = origin;
    // One may have been removed since the sandbox was paused, or forked from.
    const gone = request.volumeMounts.find((mount) => !this.#deps.volumes.get(mount.id));
    if (gone) throw new ApiError(400, `the volume '${gone.name}' at '${gone.path}' is not there any more`);
    try {
      const link = await this.#spawn(id, request, origin);
      try {
        if (archive) await unpackFiles(link, archive, mountPaths(request));
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
    }
  }

  async #spawn(id: string, request: ProcessRequest, origin: Origin): Promise<GuestLink> {
    const shutdown = this.#shutdown.signal;
    shutdown.throwIfAborted();
    const abandon = new AbortController();
    // Not by AbortSignal.any: of a signal that lives as long as the server each use of it would stay.
    const giveUp = (): void => abandon.abort(shutdown.reason);
    shutdown.addEventListener('abort', giveUp, { once: true });
    const late = new Error(`it was not ready within ${CREATE_TIMEOUT_MS / 1000} s`);
    const timer = setTimeout(() => abandon.abort(late), CREATE_TIMEOUT_MS);
    try {
      return await this.#spawnUnless(abandon, id, request, origin);
    } finally {
      clearTimeout(timer);
      shutdown.removeEventListener('abort', giveUp);
    }
  }

  async #spawnUnless(
    abandon: AbortController,
    id: string,
    request: ProcessRequest,
    origin: Origin,
  ): Promise<GuestLink> {
    const { nest, image } = origin;
    const { signal } = abandon;
    const envs = { ...image?.envs, ...request.envs };
    const token = randomBytes(24).toString('hex');
    await nest.ready(signal);
    const name = nest.nameOf(id);
    // Its name and variables go to its own supervisor, while that is still at work on the namespaces.
    const arriving = this.#deps.listener.expect(sandboxName(name), token, signal).then(async (link) => {
      await link.call('sandbox.configure', { id, template: image?.id ?? nest.name, envs });
      return link;
    });
    const { limits } = this.#deps;
    // Its end closes the link, which is watched.
    const spawning = nest.spawn(
      {
        name,
        token,
        limits,
        internet: request.internet,
        folders: foldersOf(origin, request),
        volumes: request.volumeMounts.map(({ id: volumeId, path }) => ({ id: volumeId, path })),
        ...(image?.cwd !== undefined && { cwd: image.cwd }),
      },
      signal,
    );
    try {
      const [link] = await Promise.all([arriving, spawning]);
      return link;
    } catch (error) {
      abandon.abort(error);
      // What it was sent fails with it.
      void nest.kill(id, KILL_TIMEOUT_MS);
      await Promise.allSettled([arriving, spawning]);
      throw error;
    }
  }

  /** Lets a sandbox write to a volume that it has, or not. @throws ConnectFault where it has it open for writing · GuestLostError */
  async setWritable(sandbox: Sandbox, volume: VolumeMount, writable: boolean): Promise<void> {
    const nest = this.#deps.nests.find((candidate) => candidate.name === sandbox.template);
    await nest?.setWritable(sandbox.id, volume, writable);
  }

  /** Starts a sandbox that nobody asked for and that has nothing but volumes. @throws ApiError 500 · 503 */
  startHelper(id: string, volumeMounts: VolumeMount[]): Promise<GuestLink> {
    return this.#spawn(id, { envs: {}, internet: false, volumeMounts }, { nest: this.#defaultNest() });
  }

  /** Ends one of those; resolves when its processes are gone. */
  endHelper(id: string): Promise<void> {
    return this.#defaultNest().kill(id, KILL_TIMEOUT_MS);
  }

  #defaultNest(): Nest {
    const [nest] = this.#deps.nests;
    if (!nest) throw new Error('there is no template');
    return nest;
  }

  /** Ends the processes of a sandbox; resolves when they are gone. */
  async end(template: string, id: string): Promise<void> {
    const nest = this.#deps.nests.find((candidate) => candidate.name === template);
    await nest?.kill(id, KILL_TIMEOUT_MS);
  }

  /** One that was started beforehand, where it is like what is asked for. */
  async #takeWarm(
    request: SandboxRequest,
    { nest, archive, folders }: Origin,
  ): Promise<WarmSandbox | undefined> {
    const isPlain = nest === this.#deps.nests[0] && archive === undefined && !folders?.length;
    if (!isPlain || request.internet || request.volumeMounts.length > 0 || this.#deps.warm === 0)
      return undefined;
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
    const nest = this.#defaultNest();
    const link = await this.#spawn(id, { envs: {}, internet: false, volumeMounts: [] }, { nest });
    // A template without Python has no interpreter to prepare.
    await link.call('kernel.prepare', { language: 'python' }).catch(() => undefined);
    return { id, link };
  }
}

/** The folders right under `/` that a sandbox has of its own; one that a volume takes the place of is none. */
export function foldersOf({ image, folders = [] }: Origin, request: ProcessRequest): string[] {
  const taken = mountPaths(request);
  return [...new Set([...(image?.folders ?? []), ...folders])].filter((folder) => !taken.includes(folder));
}

function mountPaths({ volumeMounts }: ProcessRequest): string[] {
  return volumeMounts.map(({ path }) => path);
}
