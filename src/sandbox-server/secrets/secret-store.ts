import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { newId } from '../sandbox.ts';
import { ApiError } from '../wire/api-error.ts';

/** What is told of a secret: never its value. */
export interface Secret {
  id: string;
  /** Lower-case. */
  name: string;
  /** 1 for a new one, one more with each value that takes the place of another. */
  version: number;
  metadata: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}

interface StoredSecret extends Secret {
  value: string;
}

const ID_PREFIX = 'sec_';
const MAX_NAME_BYTES = 256;
const MAX_VALUE_BYTES = 8192;
const MAX_METADATA_ENTRIES = 32;
const MAX_METADATA_BYTES = { key: 128, value: 1024, all: 8192 };

/** The secrets of a server, in one file that only its user can read; each change is on disk before it is answered. */
export class SecretStore {
  #path: string;
  #secrets = new Map<string, StoredSecret>();

  constructor(path: string) {
    this.#path = path;
    rmSync(`${path}.part`, { force: true });
    if (!existsSync(path)) return;
    for (const secret of JSON.parse(readFileSync(path, 'utf8')) as StoredSecret[])
      this.#secrets.set(secret.id, secret);
  }

  /** @throws ApiError 400 · 409 where the name is taken */
  create(name: string, value: string, metadata: Record<string, string> = {}): Secret {
    const known = checkName(name).toLowerCase();
    checkValue(value);
    checkMetadata(metadata);
    if (this.find(known)) throw new ApiError(409, `there is a secret '${known}' already`);
    const now = new Date().toISOString();
    const id = `${ID_PREFIX}${newId('x')}`;
    return this.#keep({ id, name: known, version: 1, metadata, createdAt: now, updatedAt: now, value });
  }

  /** The secret with this id or name. */
  find(idOrName: string): Secret | undefined {
    const found = this.#stored(idOrName);
    return found && told(found);
  }

  /** The value of the secret with this id or name, for nobody but whom a request goes to. */
  valueOf(idOrName: string): string | undefined {
    return this.#stored(idOrName)?.value;
  }

  all(): Secret[] {
    return [...this.#secrets.values()].map(told);
  }

  /** Puts a value in the place of the last one; metadata stays where none is given. @throws ApiError 400 · 404 */
  update(idOrName: string, value: string, metadata: Record<string, string> | undefined): Secret {
    const old = this.#stored(idOrName);
    if (!old) throw new ApiError(404, `secret '${idOrName}' not found`);
    checkValue(value);
    checkMetadata(metadata ?? {});
    const updatedAt = new Date().toISOString();
    return this.#keep({
      ...old,
      value,
      metadata: metadata ?? old.metadata,
      version: old.version + 1,
      updatedAt,
    });
  }

  /** False where there is none. */
  remove(idOrName: string): boolean {
    const secret = this.#stored(idOrName);
    if (!secret) return false;
    this.#secrets.delete(secret.id);
    this.#write();
    return true;
  }

  #stored(idOrName: string): StoredSecret | undefined {
    const name = idOrName.toLowerCase();
    return this.#secrets.get(idOrName) ?? [...this.#secrets.values()].find((secret) => secret.name === name);
  }

  #keep(secret: StoredSecret): Secret {
    this.#secrets.set(secret.id, secret);
    this.#write();
    return told(secret);
  }

  #write(): void {
    writeFileSync(`${this.#path}.part`, JSON.stringify([...this.#secrets.values()]), { mode: 0o600 });
    renameSync(`${this.#path}.part`, this.#path);
  }
}

function told({ id, name, version, metadata, createdAt, updatedAt }: StoredSecret): Secret {
  return { id, name, version, metadata, createdAt, updatedAt };
}

/** It stands in placeholders (`${e2b.secrets.NAME}`), so it may not hold what ends them. */
function checkName(name: string): string {
  if (/[{}\p{Cc}]/u.test(name) || name.trim() === '' || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new ApiError(
      400,
      `a secret's name has 1 to ${MAX_NAME_BYTES} bytes, and neither '{', '}' nor control characters`,
    );
  }
  if (name.toLowerCase().startsWith(ID_PREFIX)) {
    throw new ApiError(400, `a secret's name cannot begin with '${ID_PREFIX}', which ids begin with`);
  }
  return name;
}

function checkValue(value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0 || bytes > MAX_VALUE_BYTES) {
    throw new ApiError(400, `a secret's value has 1 to ${MAX_VALUE_BYTES} bytes, not ${bytes}`);
  }
}

function checkMetadata(metadata: Record<string, string>): void {
  const entries = Object.entries(metadata);
  const { key: maxKey, value: maxValue, all } = MAX_METADATA_BYTES;
  const isLarge = entries.some(
    ([key, value]) => Buffer.byteLength(key) > maxKey || Buffer.byteLength(value) > maxValue,
  );
  const total = Buffer.byteLength(entries.flat().join(''));
  if (entries.length > MAX_METADATA_ENTRIES || isLarge || total > all) {
    throw new ApiError(
      400,
      `'metadata' has at most ${MAX_METADATA_ENTRIES} entries, keys of ${maxKey} and values of ${maxValue} bytes, and ${all} bytes in all`,
    );
  }
}
