/** Kinds of frames; PROTOCOL.md in the guest's folder is the contract. */
export const FrameKind = {
  hello: 0,
  open: 1,
  event: 2,
  data: 3,
  eof: 4,
  end: 5,
  window: 6,
  cancel: 7,
} as const;

/** Channels of DATA. */
export const Channel = { body: 0, stdout: 1, stderr: 2, pty: 3, result: 4 } as const;

/** Bytes of DATA that each side of a stream may send before it is granted more. */
export const INITIAL_CREDIT_BYTES = 262_144;

/** Largest body of a frame, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

const LENGTH_BYTES = 4;
const HEAD_BYTES = 5;

/** One frame, its body a view into what was read. */
export interface GuestFrame {
  streamId: number;
  kind: number;
  body: Buffer;
}

/** The peer broke the protocol; its connection has to end. */
export class GuestProtocolError extends Error {
  override readonly name = 'GuestProtocolError';
  readonly code = 'guest-protocol';
}

/** A frame's head followed by the start of its body; the rest of the body may be written after it. */
export function frameHead(streamId: number, kind: number, bodyBytes: number, inline = 0): Buffer {
  const head = Buffer.allocUnsafe(LENGTH_BYTES + HEAD_BYTES + inline);
  head.writeUInt32BE(HEAD_BYTES + bodyBytes, 0);
  head.writeUInt32BE(streamId, LENGTH_BYTES);
  head[LENGTH_BYTES + 4] = kind;
  return head;
}

/** A whole frame. */
export function encodeFrame(streamId: number, kind: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const frame = frameHead(streamId, kind, body.length, body.length);
  frame.set(body, LENGTH_BYTES + HEAD_BYTES);
  return frame;
}

/** A whole frame with JSON for a body. */
export function encodeJsonFrame(streamId: number, kind: number, json: unknown): Buffer {
  return encodeFrame(streamId, kind, Buffer.from(JSON.stringify(json)));
}

/** Cuts what is read from a socket into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = LENGTH_BYTES;

  /** @throws GuestProtocolError for a length that the protocol does not have */
  *push(chunk: Buffer): Generator<GuestFrame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= this.#needed) {
      const buffer = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      let at = 0;
      for (;;) {
        if (buffer.length - at < LENGTH_BYTES) {
          this.#needed = LENGTH_BYTES;
          break;
        }
        const length = buffer.readUInt32BE(at);
        if (length < HEAD_BYTES || length > HEAD_BYTES + MAX_BODY_BYTES) {
          throw new GuestProtocolError(`a frame cannot have ${length} bytes`);
        }
        if (buffer.length - at < LENGTH_BYTES + length) {
          this.#needed = LENGTH_BYTES + length;
          break;
        }
        const start = at + LENGTH_BYTES;
        at = start + length;
        yield {
          streamId: buffer.readUInt32BE(start),
          kind: buffer[start + 4] as number,
          body: buffer.subarray(start + HEAD_BYTES, at),
        };
      }
      const rest = buffer.subarray(at);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#bytes = rest.length;
    }
  }
}
