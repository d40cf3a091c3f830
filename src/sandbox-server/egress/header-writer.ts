import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket, type SecureContext } from 'node:tls';
import { callbackify } from 'node:util';

import type { Logger } from 'pino';

import { forward, isEndToEnd, join, refuse, requestHead } from '../wire/forward.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { headersFor } from './header-rules.ts';
import {
  hostOf,
  HTTP_PORT,
  HTTPS_PORT,
  NotPassedError,
  onwardHeaders,
  type MadeRequest,
} from './onward-request.ts';
import { RefusedError, type Outbound } from './outbound.ts';
import { Pace } from './pace.ts';
import { startTls, Upstream } from './upstream.ts';

/** What all sandboxes' header writers have in common. */
export interface WriterMeans {
  authority(): Promise<CertificateAuthority>;
  /** What proves to be a host of the outside. */
  trusted(): SecureContext;
  /** The value of a secret; undefined where there is none of this name. */
  secretOf(name: string): string | undefined;
}

/**
 * Stands in for the hosts of one sandbox's rules: takes its programs' requests to them apart and asks the hosts the same, with the headers of the
 * rules. Which host that is, is decided once for each request, by the name that TLS was asked for, else by `Host`; to this host alone it goes.
 */
export class HeaderWriter {
  #outbound: Outbound;
  #means: WriterMeans;
  #log: Logger;
  #servers: Record<number, Server> = {};
  #behind = new WeakMap<Duplex, Upstream>();
  #newNames = new Pace(20, 100);

  constructor(outbound: Outbound, means: WriterMeans, log: Logger) {
    this.#outbound = outbound;
    this.#means = means;
    this.#log = log;
  }

  /** Whether requests to a host are written into. */
  isFor(host: string): boolean {
    return headersFor(this.#outbound.rules.rules, host) !== undefined;
  }

  /** Serves a program's connection to such a host. Resolves when it is over. */
  serve(client: Duplex, port: number): Promise<void> {
    client.on('error', () => client.destroy());
    const over = new Promise<void>((resolve) => client.once('close', resolve));
    // Made with their first use, for most sandboxes have none.
    const server = (this.#servers[port] ??=
      port === HTTPS_PORT ? this.#makeSecure() : this.#prepare(createServer()));
    server.emit('connection', client);
    return over;
  }

  /** What is asked with in a program's stead, of a host that rules may be of. @throws NotPassedError where a rule cannot be kept */
  headersFor(request: MadeRequest, host: string | undefined, isSecure: boolean): OutgoingHttpHeaders {
    const written = (host !== undefined && headersFor(this.#outbound.rules.rules, host)) || {};
    return onwardHeaders(request, written, { isSecure, secretOf: this.#means.secretOf });
  }

  #makeSecure(): Server {
    const contextOf = callbackify((host: string) => this.#contextOf(host.toLowerCase()));
    const server = createSecureServer({ ALPNProtocols: ['http/1.1'], SNICallback: contextOf });
    // To destroy it, as is usual, would reset the program's connection before it has read the end of an answer.
    server.on('secureConnection', (socket) => (socket.destroySoon = () => socket.end()));
    server.on('tlsClientError', (error) =>
      this.#log.info({ event: 'egress.tls-failed', reason: error.message.slice(0, 200) }),
    );
    return this.#prepare(server);
  }

  #prepare(server: Server): Server {
    // Uploads last as long as they last, and who keeps a connection is the host behind it.
    server.requestTimeout = 0;
    server.keepAliveTimeout = 0;
    server.on('clientError', (error: NodeJS.ErrnoException, client: Duplex) => {
      // Of TLS too, where nothing can be said.
      if (!error.code?.startsWith('HPE_')) return void client.destroy();
      // More of what is no request may follow.
      if (!client.writable) return;
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Too Large' : '400 Bad Request';
      client.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    });
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      void this.#pass(incoming, outgoing);
    });
    server.on('upgrade', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
      void this.#upgrade(incoming, client, head);
    });
    return server;
  }

  async #contextOf(host: string): Promise<SecureContext> {
    if (!this.isFor(host)) throw new Error(`there is no rule of ${host}`);
    const authority = await this.#means.authority();
    if (!authority.knows(host)) await this.#newNames.turn();
    return authority.contextOf(host);
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const { upstream, path, headers } = this.#read(incoming);
      await upstream.during(() =>
        forward(incoming, outgoing, {
          agent: upstream,
          host: upstream.host,
          path,
          headers,
          passes: isEndToEnd,
        }),
      );
    } catch (error) {
      const { status, text } = this.#explain(error);
      if (outgoing.headersSent) return void outgoing.destroy();
      outgoing.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
      outgoing.end(text);
    }
  }

  /** A WebSocket is passed on as such; what else might take HTTP's place is asked for its answer alone. */
  async #upgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    try {
      const { upstream, path, headers } = this.#read(incoming);
      if (incoming.headers['transfer-encoding'] !== undefined) {
        throw new NotPassedError(
          400,
          'a request that asks for another protocol cannot have a body in chunks',
        );
      }
      const isWebSocket = incoming.headers.upgrade?.toLowerCase() === 'websocket';
      const onward = isWebSocket ? { connection: 'Upgrade', upgrade: 'websocket' } : { connection: 'close' };
      const socket = await upstream.leave();
      socket.write(requestHead(incoming.method ?? 'GET', path, { ...headers, ...onward }), 'latin1');
      socket.write(head);
      await join(client, socket);
    } catch (error) {
      const { status, text } = this.#explain(error);
      refuse(client, status, text);
    }
  }

  /** What a program asks for, with the headers that it is passed on with, and the way there. @throws NotPassedError */
  #read(incoming: IncomingMessage): {
    upstream: Upstream;
    path: string;
    headers: OutgoingHttpHeaders;
  } {
    const client = incoming.socket;
    const isSecure = client instanceof TLSSocket;
    const known = this.#behind.get(client);
    const connected = isSecure ? String(client.servername).toLowerCase() : known?.host;
    const { host, path } = hostOf(incoming, connected, isSecure ? HTTPS_PORT : HTTP_PORT);
    const upstream = known ?? new Upstream(client, host, () => this.#connect(host, isSecure));
    this.#behind.set(client, upstream);
    // The host as it is said, where a port may be with it.
    const headers = { host: incoming.headers.host, ...this.headersFor(incoming, host, isSecure) };
    return { upstream, path, headers };
  }

  /** Always by its name: which address a program has connected to says nothing. */
  async #connect(host: string, secure: boolean): Promise<Duplex> {
    const socket = await this.#outbound.connectToName(host, secure ? HTTPS_PORT : HTTP_PORT);
    if (!secure) return socket;
    return startTls(socket, host, this.#means.trusted()).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
  }

  #explain(error: unknown): { status: number; text: string } {
    const text = (error instanceof Error ? error.message : String(error)).slice(0, 500);
    this.#log.info({ event: 'egress.not-passed', reason: text.slice(0, 200) });
    if (error instanceof NotPassedError) return { status: error.status, text: `${text}\n` };
    return { status: error instanceof RefusedError ? 403 : 502, text: `${text}\n` };
  }
}
