import { ConnectFault } from '../wire/connect-fault.ts';
import {
  FrameKind,
  GuestProtocolError,
  INITIAL_CREDIT_BYTES,
  encodeFrame,
  frameHead,
} from './guest-frames.ts';

/** What a guest says on a stream, in its order. */
export type GuestItem =
  | { type: 'event'; event: Record<string, unknown>; size: number }
  | { type: 'data'; channel: number; bytes: Buffer }
  | { type: 'eof' };

/** The connection to a guest ended while a stream was open. */
export class GuestLostError extends Error {
  override readonly name = 'GuestLostError';
  readonly code = 'guest-lost';
}

// What a guest may pile up in events that nobody reads, and the sizes in which bytes go and credit returns.
const MAX_QUEUED_EVENT_BYTES = 4 * 1024 * 1024;
// What an event costs besides its text: the smallest may not be millions.
const EVENT_BYTES = 64;
const CREDIT_STEP_BYTES = 65_536;
const MAX_DATA_BYTES = 65_536;

/** Writes a frame, in one piece or with its payload apart; false where the peer is behind. */
export type FrameWriter = (frame: Buffer, payload?: Uint8Array) => boolean;

/** One stream of a link: a call of the server that a guest works on. Made by `GuestLink.open`. */
export class GuestStream {
  readonly id: number;
  #write: FrameWriter;
  #drained: () => Promise<void>;
  #queue: GuestItem[] = [];
  #queuedEventBytes = 0;
  #unreturnedBytes = 0;
  #receiveCredit = INITIAL_CREDIT_BYTES;
  #sendCredit = INITIAL_CREDIT_BYTES;
  #outcome: { error?: Error } | undefined;
  #reader: (() => void) | undefined;
  #writers: (() => void)[] = [];
  #cancelled = false;
  #hasEof = false;

  constructor(id: number, write: FrameWriter, drained: () => Promise<void>) {
    this.id = id;
    this.#write = write;
    this.#drained = drained;
  }

  /** True once the guest has ended the stream, or the link is lost, and nothing is left to be read. */
  get atEnd(): boolean {
    return this.#outcome !== undefined && this.#queue.length === 0;
  }

  /**
   * The next item; undefined when the guest has ended the stream without an error.
   * @throws ConnectFault as the guest ended it · GuestLostError where the link went away
   */
  async next(): Promise<GuestItem | undefined> {
    for (;;) {
      const item = this.takeReady();
      if (item !== undefined) return item;
      if (this.#outcome?.error) throw this.#outcome.error;
      if (this.#outcome) return undefined;
      await new Promise<void>((resolve) => (this.#reader = resolve));
    }
  }

  /** The next item if one has arrived already. */
  takeReady(): GuestItem | undefined {
    const item = this.#queue.shift();
    if (item === undefined) return undefined;
    if (item.type === 'event') this.#queuedEventBytes -= item.size;
    if (item.type === 'data') this.#returnCredit(item.bytes.length);
    return item;
  }

  /** Sends bytes as the guest has room for them. @throws as {@link next} where the stream has ended */
  async write(channel: number, bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      while (this.#sendCredit === 0 && !this.#outcome && !this.#cancelled) {
        await new Promise<void>((resolve) => this.#writers.push(resolve));
      }
      if (this.#cancelled) throw new ConnectFault('canceled', 'the call was cancelled');
      if (this.#outcome)
        throw this.#outcome.error ?? new ConnectFault('aborted', 'the guest has ended the call');
      const size = Math.min(bytes.length - start, this.#sendCredit, MAX_DATA_BYTES);
      const head = frameHead(this.id, FrameKind.data, size + 1, 1);
      head[head.length - 1] = channel;
      this.#sendCredit -= size;
      if (!this.#write(head, bytes.subarray(start, start + size))) await this.#drained();
      start += size;
    }
  }

  /** No more bytes come from this side. */
  writeEof(): void {
    if (!this.#outcome && !this.#cancelled) this.#write(encodeFrame(this.id, FrameKind.eof));
  }

  /** Ends the stream's work; what the guest still says is dropped. */
  cancel(): void {
    if (this.#cancelled || this.#outcome) return;
    this.#cancelled = true;
    this.#queue.length = 0;
    this.#write(encodeFrame(this.id, FrameKind.cancel));
    this.#wakeWriters();
  }

  /** For the link: a frame has come in. @throws GuestProtocolError */
  accept(kind: number, body: Buffer): void {
    if (kind === FrameKind.window) {
      this.#sendCredit += readWindow(body);
      if (this.#sendCredit > 0xffff_ffff) throw new GuestProtocolError('more credit than a stream can have');
      this.#wakeWriters();
      return;
    }
    if (kind === FrameKind.data) this.#acceptData(body);
    else if (kind === FrameKind.event) this.#acceptEvent(body);
    else if (kind === FrameKind.eof) this.#acceptEof();
    else throw new GuestProtocolError(`a guest cannot send frames of kind ${kind}`);
  }

  /** For the link: fails the stream for its reader; `goesOn` where the guest's work is to go on without one. */
  abandon(error: Error, goesOn: boolean): void {
    if (!goesOn) this.cancel();
    this.#cancelled = true;
    this.#queue.length = 0;
    this.settle(error);
  }

  /** For the link: the stream is over. */
  settle(error?: Error): void {
    this.#outcome ??= error ? { error } : {};
    this.#reader?.();
    this.#wakeWriters();
  }

  #acceptData(body: Buffer): void {
    const channel = body[0];
    const bytes = body.subarray(1);
    if (channel === undefined || bytes.length > this.#receiveCredit) {
      throw new GuestProtocolError('DATA without a channel or beyond its credit');
    }
    this.#receiveCredit -= bytes.length;
    if (this.#cancelled) this.#returnCredit(bytes.length);
    else if (bytes.length > 0) this.#push({ type: 'data', channel, bytes });
  }

  #acceptEvent(body: Buffer): void {
    if (this.#cancelled) return;
    const size = body.length + EVENT_BYTES;
    this.#queuedEventBytes += size;
    if (this.#queuedEventBytes > MAX_QUEUED_EVENT_BYTES) {
      this.cancel();
      this.settle(new ConnectFault('resource_exhausted', 'events came faster than they were read'));
      return;
    }
    this.#push({ type: 'event', event: parseObject(body), size });
  }

  #acceptEof(): void {
    if (this.#hasEof) throw new GuestProtocolError('a second EOF');
    this.#hasEof = true;
    this.#push({ type: 'eof' });
  }

  #push(item: GuestItem): void {
    if (this.#cancelled) return;
    this.#queue.push(item);
    this.#reader?.();
  }

  #returnCredit(bytes: number): void {
    this.#unreturnedBytes += bytes;
    // A stream that was abandoned is over for its reader alone: its guest still needs credit to come to an end.
    const isOver = this.#outcome !== undefined && !this.#cancelled;
    if (this.#unreturnedBytes < CREDIT_STEP_BYTES || isOver) return;
    const body = Buffer.allocUnsafe(4);
    body.writeUInt32BE(this.#unreturnedBytes);
    this.#receiveCredit += this.#unreturnedBytes;
    this.#unreturnedBytes = 0;
    this.#write(encodeFrame(this.id, FrameKind.window, body));
  }

  #wakeWriters(): void {
    for (const wake of this.#writers.splice(0)) wake();
  }
}

function readWindow(body: Buffer): number {
  if (body.length !== 4) throw new GuestProtocolError('a WINDOW has four bytes');
  return body.readUInt32BE(0);
}

/** Parses a guest's JSON object. @throws GuestProtocolError */
export function parseObject(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new GuestProtocolError('a frame that is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GuestProtocolError('a frame that is not a JSON object');
  }
  return value as Record<string, unknown>;
}
