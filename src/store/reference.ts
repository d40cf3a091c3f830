import type { BlobRef } from '../domain/blob.ts';

const REFERENCE = /^blob:(?:(\w[\w.-]*):)?sha256:([0-9a-f]{64})$/;

/** What a reference says. */
export interface Reference {
  /** Who keeps the blob apart from others, such as a run of a schedule, and takes it along when it is removed. */
  owner: string | undefined;
  sha256: string;
}

/** Reads `blob:sha256:HEX`, or `blob:OWNER:sha256:HEX`; undefined where it is neither. */
export function parseReference(ref: string): Reference | undefined {
  const [, owner, sha256] = REFERENCE.exec(ref) ?? [];
  return sha256 === undefined ? undefined : { owner, sha256 };
}

export function blobRef({ owner, sha256 }: Reference, bytes: number): BlobRef {
  return { ref: `blob:${owner === undefined ? '' : `${owner}:`}sha256:${sha256}`, bytes, sha256 };
}

/** Where a blob lies. */
export function pathOf({ owner, sha256 }: Reference): string {
  const folder = owner === undefined ? 'blobs/' : folderOf(owner);
  return `${folder}${sha256.slice(0, 2)}/${sha256}`;
}

/** Where all blobs of an owner lie. */
export function folderOf(owner: string): string {
  return `owned/${owner}/`;
}
