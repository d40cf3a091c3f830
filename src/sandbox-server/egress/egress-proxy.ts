import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Logger } from 'pino';

import type { GuestLink } from '../link/guest-link.ts';
import { GuestSocket } from '../link/guest-socket.ts';
import { forward, isEndToEnd, join } from '../wire/forward.ts';
import type { AddressRules, OutboundRules } from './address-rules.ts';
import { resolveName } from './resolve-name.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const MAX_CLIENTS = 512;

/** A connection of a sandbox to the outside. */
interface Outbound {
  name: string;
  address: string;
  socket: Duplex;
}

/** A name that does not resolve, or an address that may not be reached. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/**
 * The way out of one sandbox: an HTTP proxy whose clients are inside and whose connections are made here, to addresses that were checked. Names
 * are resolved here and once, so that what was checked is what is connected to.
 */
export class EgressProxy {
  #addresses: AddressRules;
  #rules: OutboundRules;
  #log: Logger;
  #server: Server;
  #open = new Set<Outbound>();
  #clients = 0;

  constructor(addresses: AddressRules, rules: OutboundRules, log: Logger) {
    this.#addresses = addresses;
    this.#rules = rules;
    this.#log = log;
    this.#server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing));
    this.#server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
      void this.#tunnel(incoming, client, head);
    });
    this.#server.on('clientError', (_, client) => client.destroy());
  }

  /** Serves the connections that programs in the sandbox make; ends with the link, or when the sandbox is paused. */
  async serve(link: GuestLink): Promise<void> {
    const stream = link.open('egress.listen');
    try {
      for (let item = await stream.next(); item; item = await stream.next()) {
        const id = item.type === 'event' ? item.event['id'] : undefined;
        if (typeof id === 'number') void this.#adopt(link, id);
      }
    } catch {
      // The sandbox is gone or paused: what is open has been cut with it.
    }
  }

  /** Takes other rules; connections that they do not permit are cut. */
  update(rules: OutboundRules): void {
    this.#rules = rules;
    for (const { name, address, socket } of this.#open) {
      if (this.#addresses.refusal(name, address, rules) !== undefined) socket.destroy();
    }
  }

  async #adopt(link: GuestLink, id: number): Promise<void> {
    try {
      const socket = await GuestSocket.adopt(link, id);
      if (this.#clients >= MAX_CLIENTS) return void socket.destroy();
      this.#clients += 1;
      socket.once('close', () => (this.#clients -= 1));
      socket.on('error', () => socket.destroy());
      this.#server.emit('connection', socket);
    } catch {
      // It was given up before it was taken.
    }
  }

  async #tunnel(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    const [, name = '', port = ''] = /^(.+):(\d{1,5})$/.exec(incoming.url ?? '') ?? [];
    try {
      const socket = await this.#connect(name.replace(/^\[(.*)\]$/, '$1'), Number(port));
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
      const socket = await this.#connect(url.hostname.replace(/^\[(.*)\]$/, '$1'), Number(url.port || 80));
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

  /** @throws RefusedError · errors of the network */
  async #connect(name: string, port: number): Promise<Socket> {
    if (name === '' || port < 1 || port > 65_535) throw new RefusedError(`'${name}:${port}' is no address`);
    const found = await resolveName(name);
    if (found.length === 0) throw new Error(`${name} has no address`);
    const refusals = found.map((each) => this.#addresses.refusal(name, each, this.#rules));
    const address = found[refusals.indexOf(undefined)];
    if (address === undefined) throw new RefusedError(refusals[0]);
    const socket = connect({ host: address, port });
    const outbound = { name, address, socket };
    this.#open.add(outbound);
    socket.once('close', () => this.#open.delete(outbound));
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
        socket.destroy(new Error(`${name}:${port} does not answer`)),
      );
      socket.once('connect', resolve).once('error', reject);
    });
    socket.setTimeout(0);
    socket.on('error', () => socket.destroy());
    return socket;
  }

  #explain(error: unknown): { status: number; text: string } {
    const refused = error instanceof RefusedError || error instanceof TypeError;
    const text = error instanceof Error ? error.message : String(error);
    if (refused) this.#log.info({ event: 'egress.refused', reason: text });
    return { status: refused ? 403 : 502, text: `${text}\n` };
  }
}
