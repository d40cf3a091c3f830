import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { DEFAULT_TAG, type ImageStore } from '../images/image-store.ts';
import { newId, type Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import { ApiError } from '../wire/api-error.ts';
import type { BuildSpec } from './build-spec.ts';
import { BuildFailedError, build } from './build.ts';

/** A line of a build's log. */
export interface BuildLogEntry {
  timestamp: string;
  level: 'info' | 'warn' | 'error';
  message: string;
  step?: string;
}

/** A build of a template, from its request to its end. */
export interface Build {
  id: string;
  templateId: string;
  name: string;
  tags: string[];
  status: 'waiting' | 'building' | 'ready' | 'error';
  log: BuildLogEntry[];
  /** Why it failed, and in which step. */
  reason?: { message: string; step?: string };
}

const MAX_BUILDS = 1_000;
const MAX_LOG_ENTRIES = 20_000;

/** What builds work on. */
export interface BuildsDeps {
  sandboxes: Sandboxes;
  images: ImageStore;
  /** Folder for uploaded files. */
  uploadDir: string;
  internet: boolean;
}

/** The builds that this server has been asked for since its start; what they made is in the image store. */
export class Builds {
  #deps: BuildsDeps;
  #builds = new Map<string, Build>();
  /** Layers that are being kept. */
  #layers = new Set<string>();

  constructor(deps: BuildsDeps) {
    this.#deps = deps;
    mkdirSync(deps.uploadDir, { recursive: true, mode: 0o700 });
  }

  /** Notes a build that is to come; a name keeps its template's id. */
  request(name: string, tags: string[]): Build {
    const templateId = this.#templateIdOf(name) ?? newId('t');
    // The Python SDK takes nothing else for a build.
    const id = randomUUID();
    const all = tags.length > 0 ? tags : [DEFAULT_TAG];
    const made: Build = { id, templateId, name, tags: all, status: 'waiting', log: [] };
    this.#builds.set(id, made);
    // The oldest are forgotten; what they made stays.
    for (const old of [...this.#builds.values()].slice(0, -MAX_BUILDS)) {
      if (old.status !== 'building') this.#builds.delete(old.id);
    }
    return made;
  }

  /** A build by the id of its template and its own. @throws ApiError 404 */
  get(templateId: string, id: string): Build {
    const known = this.#builds.get(id);
    if (known?.templateId === templateId) return known;
    const image = this.#deps.images.find(id);
    if (image?.templateId !== templateId) throw new ApiError(404, `build '${id}' not found`);
    return { id, templateId, name: image.names[0] ?? '', tags: [], status: 'ready', log: [] };
  }

  /** Starts a build that was requested; returns at once. @throws ApiError 404 · 409 */
  start(templateId: string, id: string, spec: BuildSpec): void {
    const started = this.get(templateId, id);
    if (started.status !== 'waiting') throw new ApiError(409, `build '${id}' has been started already`);
    started.status = 'building';
    void this.#run(started, spec);
  }

  /** Where the files of a COPY lie, by their hash. */
  uploadOf(filesHash: string): string {
    return join(this.#deps.uploadDir, `${filesHash}.tar`);
  }

  async #run(running: Build, spec: BuildSpec): Promise<void> {
    const { sandboxes, images, internet } = this.#deps;
    const log = (level: BuildLogEntry['level'], message: string, step?: string): void => {
      if (running.log.length >= MAX_LOG_ENTRIES) return;
      const timestamp = new Date().toISOString();
      running.log.push({ timestamp, level, message, ...(step !== undefined && { step }) });
    };
    const names = running.tags.map((tag) => `${running.name}:${tag}`);
    const image = { id: running.id, templateId: running.templateId, names };
    try {
      await build(spec, image, {
        sandboxes,
        uploadOf: (hash) => this.uploadOf(hash),
        internet,
        images,
        keepLayer: (sandbox, layer) => this.#keepLayer(sandbox, layer),
        log,
      });
      running.status = 'ready';
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log('error', message);
      running.reason = { message, ...(error instanceof BuildFailedError && { step: error.step }) };
      running.status = 'error';
    }
    // Files that a later build wants again are sent again: what has no owner would only grow.
    for (const step of spec.steps) {
      if (step.type === 'copy') rmSync(this.uploadOf(step.filesHash), { force: true });
    }
  }

  /** A layer that cannot be kept costs a later build time, and this one nothing. */
  async #keepLayer(sandbox: Sandbox, id: string): Promise<void> {
    if (this.#layers.has(id)) return;
    this.#layers.add(id);
    await this.#deps.sandboxes
      .capture(sandbox, { id, kind: 'layer', names: [], envs: {} })
      .catch(() => undefined);
    this.#layers.delete(id);
  }

  #templateIdOf(name: string): string | undefined {
    const images = this.#deps.images.all();
    const made = images.find((image) => image.names.some((each) => each.startsWith(`${name}:`)));
    return made?.templateId ?? [...this.#builds.values()].find((each) => each.name === name)?.templateId;
  }
}
