import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from './cli-error.ts';

/** The bytes of a file, unpacked where its name ends in `.gz`, or of stdin (`-`). Throws UsageError where it is no gzip file after all. */
export async function* bytesOfFile(file: string): AsyncGenerator<Buffer> {
  const bytes = file === '-' ? process.stdin : createReadStream(file);
  if (!file.endsWith('.gz')) return yield* bytes;
  try {
    // What goes wrong is thrown where it is read.
    yield* pipeline(bytes, createGunzip(), () => undefined);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw error;
    throw new UsageError(`${file} is no gzip file, or a damaged one (${code})`, { cause: error });
  }
}
