import { Agent, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { callbackify } from 'node:util';

const HANDSHAKE_TIMEOUT_MS = 15_000;

/** The connection to a host that stands behind one of a program: made when it is needed, kept as long as both sides keep it. */
export class Upstream extends Agent {
  readonly host: string;
  #connect: () => Promise<Duplex>;
  #client: Duplex;
  /** Requests that wait for the end of their answers. */
  #busy = 0;

  constructor(client: Duplex, host: string, connect: () => Promise<Duplex>) {
    super({ keepAlive: true, maxSockets: 1 });
    this.host = host;
    this.#client = client;
    this.#connect = connect;
    client.once('close', () => this.destroy());
  }

  /** Counts a request until it is answered, however that ends. */
  async during(work: () => Promise<void>): Promise<void> {
    this.#busy += 1;
    try {
      await work();
    } finally {
      this.#busy -= 1;
    }
  }

  /** A connection that is no longer looked after here, in the place of the one that was. */
  leave(): Promise<Duplex> {
    // For good: what ends now does not end the program's.
    this.#busy += 1;
    this.destroy();
    return this.#connect();
  }

  override createConnection(
    _: ClientRequestArgs,
    done: (error: Error | null, stream: Duplex) => void = () => undefined,
  ): undefined {
    callbackify(() => this.#open())(done);
  }

  async #open(): Promise<Duplex> {
    const socket = await this.#connect();
    // What no request waits for ends as it would without anyone between.
    socket.once('close', () => {
      if (this.#busy === 0) this.#client.end();
    });
    if (this.#client.destroyed) socket.destroy();
    return socket;
  }
}

/** Speaks TLS with a host. @throws where it does not prove that it is this host, and errors of the network */
export function startTls(socket: Socket, host: string, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      secureContext,
      servername: host,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    });
    secure.setTimeout(HANDSHAKE_TIMEOUT_MS, () => secure.destroy(new Error(`${host} does not answer`)));
    secure.once('secureConnect', () => {
      secure.setTimeout(0);
      resolve(secure);
    });
    secure.once('error', reject).on('error', () => secure.destroy());
    secure.once('close', () => reject(new Error(`${host} has cut the connection`)));
  });
}
