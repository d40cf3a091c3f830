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
    const stream = link.open('port.connect', { port });
    await stream.next();
    return new GuestSocket(stream);
  }

  override async _read(): Promise<void> {
    try {
      const item = await this.#stream.next();
      if (item === undefined) this.push(null);
      else if (item.type === 'data') this.push(item.bytes);
    } catch (error) {
      this.destroy(error as Error);
    }
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
