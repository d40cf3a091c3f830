import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Logger } from 'pino';

import { forward, isEndToEnd, join } from '../wire/forward.ts';
import { RefusedError, type Outbound } from './outbound.ts';

/** The way out for programs of a sandbox whose kernel has no other: an HTTP proxy whose clients are inside and whose connections are made here. */
export class EgressProxy {
  #outbound: Outbound;
  #log: Logger;
  #server: Server;

  constructor(outbound: Outbound, log: Logger) {
    this.#outbound = outbound;
    this.#log = log;
    this.#server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing));
    this.#server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
      void this.#tunnel(incoming, client, head);
    });
    this.#server.on('clientError', (_, client) => client.destroy());
  }

  /** Serves a connection that a program has made. */
  serve(client: Duplex): void {
    this.#server.emit('connection', client);
  }

  async #tunnel(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    const [, name = '', port = ''] = /^(.+):(\d{1,5})$/.exec(incoming.url ?? '') ?? [];
    try {
      const socket = await this.#outbound.connectToName(name.replace(/^\[(.*)\]$/, '$1'), Number(port));
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.write(head);
      await join(client, socket);
    } catch (error) {
      const { status, text } = this.#explain(error);
      client.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\n` +
          `connection: close\r\n\r\n${text}`,
      );
    }
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const url = new URL(incoming.url ?? '');
      if (url.protocol !== 'http:') throw new RefusedError('a proxy is asked for http:// addresses');
      const socket = await this.#outbound.connectToName(
        url.hostname.replace(/^\[(.*)\]$/, '$1'),
        Number(url.port || 80),
      );
      const kept = Object.entries(incoming.headers).filter(([name]) => isEndToEnd(name));
      const headers = { ...Object.fromEntries(kept), host: url.host };
      await forward(incoming, outgoing, socket, {
        path: `${url.pathname}${url.search}`,
        headers,
        passes: isEndToEnd,
      });
    } catch (error) {
      const { status, text } = this.#explain(error);
      if (outgoing.headersSent) return void outgoing.destroy();
      outgoing.writeHead(status, { 'content-type': 'text/plain' });
      outgoing.end(text);
    }
  }

  #explain(error: unknown): { status: number; text: string } {
    const refused = error instanceof RefusedError || error instanceof TypeError;
    const text = error instanceof Error ? error.message : String(error);
    if (refused) this.#log.info({ event: 'egress.refused', reason: text });
    return { status: refused ? 403 : 502, text: `${text}\n` };
  }
}
