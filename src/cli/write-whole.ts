import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from './cli-error.ts';

export type Text = Iterable<string> | AsyncIterable<string | Uint8Array>;

/** Throws UsageError where `--out` names no file that can be made. */
export async function assertFolderOf(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new UsageError(`${folder} is no folder; make it first, or give another --out`);
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    throw new UsageError(`${path} is a folder; --out names a file`);
}

/** Writes all of it or nothing: what was there before stays where the text fails. */
export async function writeWhole(path: string, text: Text): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  // A pipe or a device, such as /dev/stdout, is not to be replaced.
  if (found && !found.isFile()) return await pipeline(Readable.from(text), createWriteStream(path));
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await pipeline(Readable.from(text), createWriteStream(unfinished));
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
