import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Logger } from 'pino';

import { forward, isEndToEnd, join, refuse } from '../wire/forward.ts';
import type { HeaderWriter } from './header-writer.ts';
import { HTTP_PORT, HTTPS_PORT, NotPassedError } from './onward-request.ts';
import { RefusedError, type Outbound } from './outbound.ts';

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** The way out for programs of a sandbox whose kernel has no other: an HTTP proxy whose clients are inside and whose connections are made here. */
export class EgressProxy {
  #outbound: Outbound;
  #writer: HeaderWriter;
  #log: Logger;
  #server: Server;

  constructor(outbound: Outbound, writer: HeaderWriter, log: Logger) {
    this.#outbound = outbound;
    this.#writer = writer;
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
    const isWritten = [HTTP_PORT, HTTPS_PORT].includes(Number(port)) && this.#writer.isFor(name);
    try {
      if (isWritten) {
        client.write(ESTABLISHED);
        client.unshift(head);
        return await this.#writer.serve(client, Number(port));
      }
      const socket = await this.#outbound.connectToName(name.replace(/^\[(.*)\]$/, '$1'), Number(port));
      client.write(ESTABLISHED);
      socket.write(head);
      await join(client, socket);
    } catch (error) {
      const { status, text } = this.#explain(error);
      refuse(client, status, text);
    }
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const url = new URL(incoming.url ?? '');
      if (url.protocol !== 'http:') throw new RefusedError('a proxy is asked for http:// addresses');
      const port = Number(url.port || HTTP_PORT);
      const written = this.#writer.headersFor(incoming, port === HTTP_PORT ? url.hostname : undefined, false);
      const socket = await this.#outbound.connectToName(url.hostname.replace(/^\[(.*)\]$/, '$1'), port);
      outgoing.once('close', () => socket.destroy());
      await forward(incoming, outgoing, {
        createConnection: () => socket,
        path: `${url.pathname}${url.search}`,
        headers: { ...written, host: url.host, connection: 'close' },
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
    if (error instanceof NotPassedError) {
      this.#log.info({ event: 'egress.not-passed', reason: error.message.slice(0, 200) });
      return { status: error.status, text: `${error.message}\n` };
    }
    const refused = error instanceof RefusedError || error instanceof TypeError;
    const text = error instanceof Error ? error.message : String(error);
    if (refused) this.#log.info({ event: 'egress.refused', reason: text });
    return { status: refused ? 403 : 502, text: `${text}\n` };
  }
}
