import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { newId } from '../sandbox.ts';
import { ApiError } from '../wire/api-error.ts';

const MAX_BYTES = 2 * 1024 ** 3;
const GZIP_MAGIC = 0x1f8b;

/** Stores an uploaded archive at `path`, unpacked where it is gzip. Nothing is there before all of it is. @throws ApiError 413 · 400 */
export async function storeUpload(body: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const raw = `${path}.${newId('u')}.part`;
  const plain = `${raw}.tar`;
  try {
    await pipeline(Readable.from(body), bounded(), createWriteStream(raw, { mode: 0o600 }));
    if (await isGzip(raw)) {
      await pipeline(
        createReadStream(raw),
        createGunzip(),
        bounded(),
        createWriteStream(plain, { mode: 0o600 }),
      );
      await rename(plain, path);
    } else {
      await rename(raw, path);
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'Z_DATA_ERROR')
      throw new ApiError(400, 'the upload is broken gzip');
    throw error;
  } finally {
    await Promise.all([raw, plain].map((each) => rm(each, { force: true })));
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === GZIP_MAGIC;
  } finally {
    await file.close();
  }
}

function bounded(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) done(new ApiError(413, `an upload has at most ${MAX_BYTES} bytes`));
      else done(null, chunk);
    },
  });
}
