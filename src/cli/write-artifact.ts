import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readFile, realpath, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Artifact } from '../domain/job-result.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { printableLine } from './printable.ts';

/** An artifact was not written; what the folder held before is untouched. */
export class UnsafeArtifactError extends CliError {
  override readonly name = 'UnsafeArtifactError';

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(
      'unsafe-artifact',
      `artifact ${printableLine(path)} was not written: ${reason}`,
      EXIT.error,
      options,
    );
  }
}

/**
 * Writes an artifact below `folder` and returns where. Its path comes from code that nobody trusts: it never leads outside the
 * folder, not through symbolic links either, and never replaces another file unless `force` is set.
 */
export async function writeArtifact(
  folder: string,
  artifact: Pick<Artifact, 'path' | 'sha256'>,
  content: () => Promise<Readable>,
  force = false,
): Promise<string> {
  const parts = safeParts(artifact.path);
  await mkdir(folder, { recursive: true });
  const parent = await safeParent(await realpath(folder), parts.slice(0, -1), artifact.path);
  const target = join(parent, parts.at(-1)!);
  if (await isSame(target, artifact, force)) return target;
  const temporary = join(parent, `.assay-${randomBytes(8).toString('hex')}.part`);
  // Exclusive and without following links: the file is ours alone until it takes its name at once.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(temporary, flags, 0o644);
  try {
    await pipeline(await content(), file.createWriteStream());
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  return target;
}

function safeParts(path: string): string[] {
  if (path.includes('\0')) throw new UnsafeArtifactError(path, 'its name has a NUL byte');
  if (path.startsWith('/')) throw new UnsafeArtifactError(path, 'its path is absolute');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new UnsafeArtifactError(path, 'its path leaves the folder');
  if (parts.length === 0) throw new UnsafeArtifactError(path, 'its path names no file');
  return parts;
}

/** Makes the folders on the way, and refuses one that is a link to somewhere else. */
async function safeParent(root: string, parts: string[], path: string): Promise<string> {
  let at = root;
  for (const part of parts) {
    at = join(at, part);
    await mkdir(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const stat = await lstat(at);
    if (stat.isSymbolicLink()) throw new UnsafeArtifactError(path, `${at} is a symbolic link`);
    if (!stat.isDirectory()) throw new UnsafeArtifactError(path, `${at} is in its way`);
  }
  return at;
}

/** Whether the very file is there already. Anything else in its place is refused, or replaced where `force` is set. */
async function isSame(
  target: string,
  artifact: Pick<Artifact, 'path' | 'sha256'>,
  force: boolean,
): Promise<boolean> {
  const stat = await lstat(target).catch(() => undefined);
  if (!stat) return false;
  if (stat.isDirectory()) throw new UnsafeArtifactError(artifact.path, `${target} is a folder`);
  if (
    stat.isFile() &&
    createHash('sha256')
      .update(await readFile(target))
      .digest('hex') === artifact.sha256
  )
    return true;
  if (force) return false;
  throw new UnsafeArtifactError(artifact.path, `${target} is there already; --force replaces it`);
}
