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
  // Joined only once there is enough: a frame may come in very many pieces.
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let needed = HEADER_BYTES;
  for await (const chunk of body) {
    pieces.push(chunk);
    bytes += chunk.length;
    while (bytes >= needed) {
      const pending = joined(pieces);
      const end = HEADER_BYTES + frameLength(pending);
      pieces = [pending];
      needed = end;
      if (bytes < end) break;
      if ((pending[0] ?? 0) & END_OF_STREAM) return;
      yield parseJson(pending.toString('utf8', HEADER_BYTES, end));
      pieces = [pending.subarray(end)];
      bytes -= end;
      needed = HEADER_BYTES;
    }
  }
  if (bytes > 0) throw new ConnectFault('invalid_argument', 'the request ended inside a frame');
}

function joined(pieces: Uint8Array[]): Buffer {
  const only = pieces.length === 1 ? pieces[0] : undefined;
  return only ? Buffer.from(only.buffer, only.byteOffset, only.byteLength) : Buffer.concat(pieces);
}

function frameLength(head: Buffer): number {
  if ((head[0] ?? 0) & COMPRESSED) {
    throw new ConnectFault('invalid_argument', 'compressed frames are not supported');
  }
  const length = head.readUInt32BE(1);
  if (length > MAX_REQUEST_FRAME_BYTES) {
    throw new ConnectFault('invalid_argument', `a frame of ${length} bytes is over the limit`);
  }
  return length;
}

/** Parses the JSON of a request. @throws ConnectFault `invalid_argument` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConnectFault('invalid_argument', 'the request is not valid JSON');
  }
}
