import { createGzip, constants } from 'node:zlib';
import { Readable } from 'node:stream';

import type { GuestStream } from '../link/guest-stream.ts';
import { parseByteRange } from '../wire/byte-range.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { apiErrorResponse } from '../wire/api-error.ts';
import { mediaTypeOf } from '../wire/media-type.ts';
import type { AppContext } from './app-env.ts';
import { streamResponse, type StreamSource } from './stream-response.ts';

/** `GET /files`: sends a file, a range of it, or the whole packed with gzip where that is all the client takes. */
export async function downloadFile(c: AppContext, path: string, user: string): Promise<Response> {
  const { link } = c.env.sandbox;
  const stream = link.open('file.read', { path, user });
  const { size, type, modifiedTimeMs } = await readHead(stream);
  if (type === 'dir') {
    stream.cancel();
    return apiErrorResponse(400, `path '${path}' is a directory`);
  }
  const range = parseByteRange(c.req.header('range'), size);
  const headers: Record<string, string> = {
    'content-type': mediaTypeOf(path),
    // A page that code wrote is shown, and nothing of it runs with the rights of this server's address.
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    'last-modified': new Date(modifiedTimeMs).toUTCString(),
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(path.split('/').pop() ?? '')}`,
    vary: 'accept-encoding',
  };
  if (isUnchanged(c.req.header('if-modified-since'), modifiedTimeMs)) {
    stream.cancel();
    return new Response(null, { status: 304, headers });
  }
  if (range === undefined) return wholeFile(c, stream, size, headers);
  stream.cancel();
  if (range === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${size}` } });
  }
  const part = link.open('file.read', { path, user, offset: range.offset, length: range.length });
  await readHead(part);
  headers['content-length'] = String(range.length);
  headers['content-range'] = `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`;
  return streamResponse(c, fileSource(part, range.length), { status: 206, headers });
}

/** Such times are told in whole seconds. */
function isUnchanged(since: string | undefined, modifiedTimeMs: number): boolean {
  return since !== undefined && Math.floor(modifiedTimeMs / 1000) * 1000 <= Date.parse(since);
}

async function wholeFile(
  c: AppContext,
  stream: GuestStream,
  size: number,
  headers: Record<string, string>,
): Promise<Response> {
  // Only a client that names gzip alone means it: every fetch says "gzip, deflate" by itself, and packing costs more
  // time than it saves on one machine.
  if (c.req.header('accept-encoding')?.trim() === 'gzip') {
    headers['content-encoding'] = 'gzip';
    return streamResponse(c, gzipSource(fileSource(stream, undefined)), { headers });
  }
  // Files of the kernel have no size and yet have content.
  if (size > 0) headers['content-length'] = String(size);
  const source = fileSource(stream, size > 0 ? size : undefined);
  if (size > 0) return streamResponse(c, source, { headers });
  const first = await source.pull();
  if (first === undefined) {
    source.close('done');
    return new Response(null, { headers: { ...headers, 'content-length': '0' } });
  }
  let given = false;
  const pull = (): Promise<Uint8Array | undefined> => {
    if (given) return source.pull();
    given = true;
    return Promise.resolve(first);
  };
  return streamResponse(c, { pull, close: source.close }, { headers });
}

/** What a read tells before the bytes. @throws ConnectFault as the guest ends it */
export async function readHead(
  stream: GuestStream,
): Promise<{ size: number; type: unknown; modifiedTimeMs: number }> {
  const item = await stream.next();
  const { size, type, modifiedTimeMs } = item?.type === 'event' ? item.event : {};
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new ConnectFault('internal', 'the sandbox does not tell the size of the file');
  }
  return { size, type, modifiedTimeMs: typeof modifiedTimeMs === 'number' ? modifiedTimeMs : 0 };
}

/** A file's bytes; fails where there are fewer than promised, and stops where there are more. */
export function fileSource(stream: GuestStream, length: number | undefined): StreamSource {
  let sent = 0;
  return {
    async pull() {
      for (let item = await stream.next(); item; item = await stream.next()) {
        if (item.type !== 'data') continue;
        const bytes = length === undefined ? item.bytes : item.bytes.subarray(0, length - sent);
        if (bytes.length === 0) continue;
        sent += bytes.length;
        return bytes;
      }
      if (length !== undefined && sent < length)
        throw new ConnectFault('data_loss', 'the file became shorter');
      return undefined;
    },
    close: () => stream.cancel(),
  };
}

function gzipSource(source: StreamSource): StreamSource {
  async function* plain(): AsyncGenerator<Uint8Array> {
    for (let bytes = await source.pull(); bytes; bytes = await source.pull()) yield bytes;
  }
  const packer = createGzip({ level: constants.Z_BEST_SPEED });
  const input = Readable.from(plain(), { objectMode: false });
  input.on('error', (error) => packer.destroy(error));
  const packed = input.pipe(packer)[Symbol.asyncIterator]();
  return {
    async pull() {
      const next = (await packed.next()) as IteratorResult<Buffer, undefined>;
      return next.done ? undefined : next.value;
    },
    close(how) {
      source.close(how);
      packer.destroy();
    },
  };
}
