import { ConnectFault, faultJson } from './connect-fault.ts';

const HEADER_BYTES = 5;
const COMPRESSED = 0x01;
const END_OF_STREAM = 0x02;

/** A request frame may hold at most this many bytes of JSON. */
export const MAX_REQUEST_FRAME_BYTES = 16 * 1024 * 1024;

function frame(flags: number, json: string): Uint8Array {
  const length = Buffer.byteLength(json);
  const out = Buffer.allocUnsafe(HEADER_BYTES + length);
  out[0] = flags;
  out.writeUInt32BE(length, 1);
  out.write(json, HEADER_BYTES);
  return out;
}

/** One message of a stream: flag byte 0, length, JSON. */
export function messageFrame(message: unknown): Uint8Array {
  return frame(0, JSON.stringify(message));
}

/** The last frame of a stream: `{}`, or the error that ended it. */
export function endFrame(fault?: ConnectFault): Uint8Array {
  return frame(END_OF_STREAM, fault ? JSON.stringify({ error: faultJson(fault) }) : '{}');
}

/**
 * Reads the messages of a streaming request as they arrive.
 * @throws ConnectFault `invalid_argument` for compressed, oversize, cut or malformed frames.
 */
export async function* readMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let pending = Buffer.alloc(0);
  for await (const chunk of body) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    for (;;) {
      if (pending.length < HEADER_BYTES) break;
      const flags = pending[0] ?? 0;
      const length = pending.readUInt32BE(1);
      if (flags & COMPRESSED)
        throw new ConnectFault('invalid_argument', 'compressed frames are not supported');
      if (length > MAX_REQUEST_FRAME_BYTES) {
        throw new ConnectFault('invalid_argument', `a frame of ${length} bytes is over the limit`);
      }
      if (pending.length < HEADER_BYTES + length) break;
      const json = pending.toString('utf8', HEADER_BYTES, HEADER_BYTES + length);
      pending = pending.subarray(HEADER_BYTES + length);
      if (flags & END_OF_STREAM) return;
      yield parseJson(json);
    }
  }
  if (pending.length > 0) throw new ConnectFault('invalid_argument', 'the request ended inside a frame');
}

/** Parses the JSON of a request. @throws ConnectFault `invalid_argument` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConnectFault('invalid_argument', 'the request is not valid JSON');
  }
}
