import { Duplex } from 'node:stream';

import { Channel } from './guest-frames.ts';
import type { GuestLink } from './guest-link.ts';
import type { GuestStream } from './guest-stream.ts';

/** A connection to a server inside a sandbox, at the pace of both sides. */
export class GuestSocket extends Duplex {
  #stream: GuestStream;

  private constructor(stream: GuestStream) {
    super();
    this.#stream = stream;
  }

  /** @throws ConnectFault `unavailable` where nobody listens · GuestLostError */
  static async connect(link: GuestLink, port: number): Promise<GuestSocket> {
    return GuestSocket.#open(link, 'port.connect', { port });
  }

  /** Takes a connection over that a program in the sandbox has made to its way out. @throws ConnectFault · GuestLostError */
  static async adopt(link: GuestLink, id: number): Promise<GuestSocket> {
    return GuestSocket.#open(link, 'egress.attach', { id });
  }

  static async #open(link: GuestLink, op: string, params: Record<string, unknown>): Promise<GuestSocket> {
    const stream = link.open(op, params);
    await stream.next();
    return new GuestSocket(stream);
  }

  override async _read(): Promise<void> {
    try {
      const item = await this.#stream.next();
      if (item === undefined) this.push(null);
      else if (item.type === 'eof') this.#ended();
      else if (item.type === 'data') this.push(item.bytes);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** The program has said all and may still listen, until its connection is cut. */
  #ended(): void {
    this.push(null);
    this.#stream.next().catch((error: unknown) => this.destroy(error as Error));
  }

  override async _write(
    chunk: Buffer,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): Promise<void> {
    const failure = await this.#stream.write(Channel.body, chunk).catch((error: unknown) => error as Error);
    done(failure ?? null);
  }

  override _final(done: () => void): void {
    this.#stream.writeEof();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.cancel();
    done(error);
  }
}
