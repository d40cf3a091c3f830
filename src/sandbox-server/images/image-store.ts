import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a sandbox that others can be made from: what a snapshot, the build of a template or one of its steps (a layer) leaves. */
export interface Image {
  id: string;
  kind: 'snapshot' | 'template' | 'layer';
  /** Names that it can be asked for by, beside its id; of a template with a tag each (`name:tag`). */
  names: string[];
  /** The template of the server under its files. */
  base: string;
  envs: Record<string, string>;
  /** Bytes of its archive. */
  bytes: number;
  createdAt: string;
  /** Of a snapshot: the sandbox that it was taken of. */
  sandboxId?: string;
  /** Of a template: the id that all its builds share. */
  templateId?: string;
  /** Folders right under `/` that its sandboxes have beside the usual ones. */
  folders?: string[];
  /** Where commands run that name no folder. */
  cwd?: string;
  /** What its sandboxes start with. */
  start?: ImageStart;
}

/** What runs in a new sandbox before it is handed out. */
export interface ImageStart {
  user: string;
  cwd: string;
  envs: Record<string, string>;
  /** A command that goes on in the background. */
  command?: string;
  /** A command that succeeds once the sandbox is ready. */
  readyCommand?: string;
}

/** The tag of a template that is meant where none is named. */
export const DEFAULT_TAG = 'default';

/** The part of all archives that layers may take: they only save time. */
const LAYERS_SHARE = 0.25;

/** The images of a server: an archive of files and a record each, which survive its restarts. */
export class ImageStore {
  readonly folder: string;
  /** Bytes that the archives may take in sum. */
  readonly maxBytes: number;
  /** In the order of their last use, where they are layers. */
  #images = new Map<string, Image>();

  constructor(folder: string, maxBytes: number) {
    this.folder = folder;
    this.maxBytes = maxBytes;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const names = new Set(readdirSync(folder));
    for (const name of names) {
      const id = name.replace(/\.(tar|json)$/, '');
      const isWhole = names.has(`${id}.json`) && names.has(`${id}.tar`) && /\.(tar|json)$/.test(name);
      // What a killed server was in the middle of is nobody's.
      if (!isWhole) rmSync(join(folder, name), { force: true });
      else if (name.endsWith('.json')) {
        this.#images.set(id, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Image);
      }
    }
  }

  /** The image with this id or name; of a template that is named without a tag its default one. */
  find(idOrName: string): Image | undefined {
    const known = this.#images.get(idOrName);
    if (known) return known;
    const all = this.all();
    const named = (name: string): Image | undefined => all.find((image) => image.names.includes(name));
    const ofTemplate = all.filter((image) => image.templateId === idOrName);
    return (
      named(idOrName) ??
      named(`${idOrName}:${DEFAULT_TAG}`) ??
      ofTemplate.find((image) => image.names.some((name) => name.endsWith(`:${DEFAULT_TAG}`))) ??
      ofTemplate[0]
    );
  }

  /** All images, newest first. */
  all(): Image[] {
    return [...this.#images.values()].toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  /** True where there is a layer with this id, which then goes last when room is needed. */
  use(id: string): boolean {
    const layer = this.#images.get(id);
    if (layer?.kind !== 'layer') return false;
    this.#images.delete(id);
    this.#images.set(id, layer);
    return true;
  }

  /** Removes layers until there is room for an image of this kind and size; false where that is not enough. */
  makeRoom(kind: Image['kind'], bytes: number): boolean {
    const sum = (all: Image[]): number => all.reduce((total, image) => total + image.bytes, 0);
    for (;;) {
      const all = [...this.#images.values()];
      const layers = all.filter((image) => image.kind === 'layer');
      const fits = sum(all) + bytes <= this.maxBytes;
      const fitsLayers = kind !== 'layer' || sum(layers) + bytes <= this.maxBytes * LAYERS_SHARE;
      if (fits && fitsLayers) return true;
      const [oldest] = layers;
      if (!oldest) return false;
      this.remove(oldest.id);
    }
  }

  /** Where the archive of an image lies. */
  archiveOf(id: string): string {
    return join(this.folder, `${id}.tar`);
  }

  /** Where an archive is made that `add` takes over, or that is used once. */
  scratchOf(id: string): string {
    return join(this.folder, `${id}.part`);
  }

  /**
   * Takes an archive over from its scratch file. Its names are its own from here on; a build of a template that has none left
   * is removed.
   */
  add(image: Image): void {
    renameSync(this.scratchOf(image.id), this.archiveOf(image.id));
    this.update(image);
    for (const other of this.all()) {
      const isOld = other.templateId !== undefined && other.templateId === image.templateId;
      if (isOld && other.names.length === 0) this.remove(other.id);
    }
  }

  /** Changes what is known of an image; other images lose the names that it has. */
  update(image: Image): void {
    for (const other of this.all()) {
      const names = other.names.filter((name) => !image.names.includes(name));
      if (other.id !== image.id && names.length < other.names.length) this.#write({ ...other, names });
    }
    this.#write(image);
  }

  /** Removes an image; false where there is none. Sandboxes made from it stay. */
  remove(id: string): boolean {
    if (!this.#images.delete(id)) return false;
    rmSync(join(this.folder, `${id}.json`), { force: true });
    rmSync(this.archiveOf(id), { force: true });
    return true;
  }

  #write(image: Image): void {
    const path = join(this.folder, `${image.id}.json`);
    writeFileSync(`${path}.part`, JSON.stringify(image), { mode: 0o600 });
    renameSync(`${path}.part`, path);
    this.#images.set(image.id, image);
  }
}
