import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { NEST_UID, hasMountRights } from '../link/nest-args.ts';
import { newId } from '../sandbox.ts';
import { ApiError } from '../wire/api-error.ts';

/** A folder that outlives sandboxes, and that any number of them can have at the same time. */
export interface Volume {
  id: string;
  name: string;
  /** Opens the content of this volume and no other. */
  token: string;
  createdAt: string;
}

const NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/**
 * The volumes of a server: a record and a folder each, which survive its restarts. What is in a folder is hostile; this process
 * makes it and removes it when it is empty, and never looks into it.
 */
export class VolumeStore {
  /** Has a folder for each volume, under its id. */
  readonly dataDir: string;
  #folder: string;
  #volumes = new Map<string, Volume>();

  constructor(folder: string) {
    this.#folder = folder;
    this.dataDir = join(folder, 'data');
    // The outer folder keeps the host's other users out; the inner one is open to the nests, which have given root up.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mkdirSync(this.dataDir, { recursive: true });
    chmodSync(this.dataDir, 0o711);
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.part')) rmSync(join(folder, name));
      if (!name.endsWith('.json')) continue;
      const volume = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Volume;
      this.#volumes.set(volume.id, volume);
    }
  }

  /** @throws ApiError 400 where the name cannot be one or is taken */
  create(name: string): Volume {
    if (!NAME.test(name)) {
      throw new ApiError(400, `'${name}' is no name for a volume: letters, digits, '_' and '-', at most 128`);
    }
    if (this.named(name)) throw new ApiError(400, `there is a volume '${name}' already`);
    const volume = {
      id: newId('v'),
      name,
      token: randomBytes(24).toString('hex'),
      createdAt: new Date().toISOString(),
    };
    const data = join(this.dataDir, volume.id);
    mkdirSync(data, { mode: 0o755 });
    if (hasMountRights()) chownSync(data, NEST_UID, NEST_UID);
    const path = this.#recordOf(volume.id);
    writeFileSync(`${path}.part`, JSON.stringify(volume), { mode: 0o600 });
    renameSync(`${path}.part`, path);
    this.#volumes.set(volume.id, volume);
    return volume;
  }

  get(id: string): Volume | undefined {
    return this.#volumes.get(id);
  }

  named(name: string): Volume | undefined {
    return this.all().find((volume) => volume.name === name);
  }

  /** All volumes, oldest first. */
  all(): Volume[] {
    return [...this.#volumes.values()].toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** Forgets a volume; its folder is then among the {@link leftovers}. False where there is none. */
  remove(id: string): boolean {
    if (!this.#volumes.delete(id)) return false;
    rmSync(this.#recordOf(id));
    return true;
  }

  /** Ids of volumes that are removed or were never whole, but whose folder is still there. */
  leftovers(): string[] {
    return readdirSync(this.dataDir).filter((id) => !this.#volumes.has(id));
  }

  /** Removes the folder of a leftover, which has to be empty. */
  removeFolder(id: string): void {
    rmdirSync(join(this.dataDir, id));
  }

  #recordOf(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
