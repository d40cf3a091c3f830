import type { Duplex } from 'node:stream';

import { ConnectFault, isConnectCode } from '../wire/connect-fault.ts';
import { FrameKind, FrameReader, GuestProtocolError, MAX_BODY_BYTES, encodeFrame } from './guest-frames.ts';
import { GuestLostError, GuestStream, parseObject } from './guest-stream.ts';

const RUN_OF_CODE = 'kernel.execute';

/** One guest's connection: opens streams to it and hands it frames. All that it says is untrusted. */
export class GuestLink {
  /** Settles when the connection is over; the reason where the guest broke the protocol. */
  readonly closed: Promise<Error | undefined>;
  #socket: Duplex;
  #reader = new FrameReader();
  #streams = new Map<number, GuestStream>();
  #runs = new WeakSet<GuestStream>();
  #nextId = 1;
  #failure: Error | undefined;
  #over = false;
  #draining: Promise<void> | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#over = true;
      const lost = new GuestLostError('the connection to the sandbox is lost', { cause: this.#failure });
      for (const stream of this.#streams.values()) stream.settle(lost);
      this.#streams.clear();
      resolve(this.#failure);
    });
  }

  /**
   * Calls an operation of the guest.
   * @throws GuestLostError where the link is gone · ConnectFault `invalid_argument` for more than a frame can hold
   */
  open(op: string, params: Record<string, unknown> = {}): GuestStream {
    if (this.#over || this.#socket.destroyed)
      throw new GuestLostError('the connection to the sandbox is lost');
    const request = Buffer.from(JSON.stringify({ op, ...params }));
    // A guest takes a larger frame for a broken one and ends its connection, the zygote with every sandbox.
    if (request.length > MAX_BODY_BYTES) {
      throw new ConnectFault(
        'invalid_argument',
        `a request of ${request.length} bytes is over the limit of ${MAX_BODY_BYTES}`,
      );
    }
    const id = this.#nextId++;
    const stream = new GuestStream(
      id,
      (frame, more) => this.#write(frame, more),
      () => this.#drained(),
    );
    this.#streams.set(id, stream);
    if (op === RUN_OF_CODE) this.#runs.add(stream);
    this.#write(encodeFrame(id, FrameKind.open, request));
    return stream;
  }

  /**
   * Calls an operation that answers with at most one event.
   * @throws ConnectFault as the guest ends it · GuestLostError
   */
  async call(op: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const stream = this.open(op, params);
    let answer: Record<string, unknown> = {};
    for (let item = await stream.next(); item; item = await stream.next()) {
      if (item.type === 'event') answer = item.event;
    }
    return answer;
  }

  /** Calls an operation that answers with a list, in one event or several, under `name`. @throws as {@link call} */
  async list(op: string, name: string, params: Record<string, unknown> = {}): Promise<unknown[]> {
    const stream = this.open(op, params);
    const list: unknown[] = [];
    for (let item = await stream.next(); item; item = await stream.next()) {
      const part = item.type === 'event' ? item.event[name] : undefined;
      if (Array.isArray(part)) for (const entry of part) list.push(entry);
    }
    return list;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Cuts the connection; open streams fail as lost. */
  destroy(reason?: Error): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  /** Fails every open call as lost. A run of code goes on in the sandbox, as a command does; what it prints is dropped. */
  abandonCalls(): void {
    const lost = new GuestLostError('the sandbox was paused');
    for (const stream of this.#streams.values()) stream.abandon(lost, this.#runs.has(stream));
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        const stream = this.#streams.get(frame.streamId);
        if (stream === undefined) {
          // A stream that this side has forgotten may still have frames on their way.
          if (frame.streamId === 0 || frame.streamId >= this.#nextId) {
            throw new GuestProtocolError(`a frame for stream ${frame.streamId}, which was never opened`);
          }
        } else if (frame.kind === FrameKind.end) {
          this.#streams.delete(frame.streamId);
          stream.settle(faultOf(parseObject(frame.body)));
        } else {
          stream.accept(frame.kind, frame.body);
        }
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #write(frame: Buffer, more?: Uint8Array): boolean {
    if (this.#socket.destroyed) return true;
    if (more === undefined) return this.#socket.write(frame);
    this.#socket.cork();
    this.#socket.write(frame);
    const room = this.#socket.write(more);
    this.#socket.uncork();
    return room;
  }

  #drained(): Promise<void> {
    this.#draining ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        this.#draining = undefined;
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
    return this.#draining;
  }
}

function faultOf(end: Record<string, unknown>): ConnectFault | undefined {
  const error = end['error'];
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return new ConnectFault(isConnectCode(code) ? code : 'unknown', typeof message === 'string' ? message : '');
}
