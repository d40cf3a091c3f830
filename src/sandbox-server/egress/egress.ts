import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Logger } from 'pino';

import type { GuestLink } from '../link/guest-link.ts';
import { GuestSocket } from '../link/guest-socket.ts';
import { join } from '../wire/forward.ts';
import type { OutboundRules } from './address-rules.ts';
import { hostOfHttp, hostOfTls, type AskedHost } from './asked-host.ts';
import { MAX_OWN_CONNECTIONS } from './connection-budget.ts';
import { EgressProxy } from './egress-proxy.ts';
import { hostAskedFor } from './first-bytes.ts';
import { HeaderWriter, type WriterMeans } from './header-writer.ts';
import { LookedUpNames } from './looked-up-names.ts';
import { NameServer } from './name-server.ts';
import { serveNames } from './name-stream.ts';
import { Outbound, RefusedError, type Reachable } from './outbound.ts';
import { Pace } from './pace.ts';

const MAX_QUESTIONS = 64;
const DNS_PORT = 53;
/** How long an outside is waited for by a program that has said all. */
const HALF_OPEN_IDLE_MS = 120_000;
/** Where programs say which site they mean. */
const HOST_OF: Record<number, (bytes: Buffer) => AskedHost> = { 80: hostOfHttp, 443: hostOfTls };

/** What the server as a whole knows of the outside. */
export interface Outside extends Reachable {
  writing: WriterMeans;
}

/** The way out of one sandbox. What its supervisor passes on are connections of programs and questions for names; all of it is untrusted. */
export class Egress {
  #outbound: Outbound;
  #log: Logger;
  #writing: WriterMeans;
  #writer: HeaderWriter;
  #proxy: EgressProxy;
  #lookedUp = new LookedUpNames();
  #names: NameServer;
  #pace = new Pace(200, 512);
  #connections = 0;
  #questions = 0;

  constructor(outside: Outside, rules: OutboundRules, log: Logger) {
    this.#outbound = new Outbound(outside, rules);
    this.#log = log;
    this.#writing = outside.writing;
    this.#writer = new HeaderWriter(this.#outbound, outside.writing, log);
    this.#proxy = new EgressProxy(this.#outbound, this.#writer, log);
    this.#names = new NameServer(this.#outbound, this.#lookedUp);
  }

  /** Serves what programs in the sandbox ask for; ends with the link, or when the sandbox is paused. */
  async serve(link: GuestLink): Promise<void> {
    try {
      const stream = link.open('egress.listen');
      for (let item = await stream.next(); item; item = await stream.next()) {
        if (item.type === 'event') this.#hear(link, item.event);
      }
    } catch {
      // The sandbox is gone or paused: what is open has been cut with it.
    }
  }

  /** Takes other rules; connections that they do not permit are cut. */
  update(rules: OutboundRules): void {
    this.#outbound.update(rules);
  }

  /** Lets programs that start from now on trust the server in the place of the rules' hosts. Does nothing where there are no rules. */
  async makeTrusted(link: GuestLink): Promise<void> {
    if (this.#outbound.rules.rules === undefined) return;
    try {
      const { certificate } = await this.#writing.authority();
      await link.call('egress.trust', { certificate });
    } catch (error) {
      // Paused or gone, or it has no room left: then its programs take the hosts for others.
      this.#log.warn({ event: 'egress.not-trusted', error: String(error) });
    }
  }

  #hear(link: GuestLink, event: Record<string, unknown>): void {
    const { id, address, port, question, packet, proxyOnly } = event;
    if (typeof proxyOnly === 'string') {
      const reason = proxyOnly.slice(0, 200);
      this.#log.warn({
        event: 'egress.proxy-only',
        reason,
        hint: 'the kernel lacks nf_tables with tproxy: programs have the way out by HTTP_PROXY alone',
      });
    }
    if (typeof question === 'number') void this.#answer(link, question, packet);
    if (typeof id === 'number') void this.#take(link, id, address, port);
  }

  async #take(link: GuestLink, id: number, address: unknown, port: unknown): Promise<void> {
    this.#connections += 1;
    try {
      if (this.#connections > MAX_OWN_CONNECTIONS) throw new RefusedError('too many connections');
      await this.#pace.turn();
      if (address === undefined) await this.#serveProxy(link, id);
      else if (port === DNS_PORT) await serveNames(await GuestSocket.adopt(link, id), this.#names);
      else await this.#pass(link, id, address, port);
    } catch (error) {
      if (error instanceof RefusedError) this.#log.info({ event: 'egress.refused', reason: error.message });
      // It may have been given up before, or be cut by now.
      if (!link.isClosed) await link.call('egress.refuse', { id }).catch(() => undefined);
    } finally {
      this.#connections -= 1;
    }
  }

  async #serveProxy(link: GuestLink, id: number): Promise<void> {
    const client = await GuestSocket.adopt(link, id);
    const over = closed(client);
    this.#proxy.serve(client);
    await over;
  }

  /** Connects to the outside first, so that a program whose connection is refused hears nothing else. */
  async #pass(link: GuestLink, id: number, address: unknown, port: unknown): Promise<void> {
    if (typeof address !== 'string' || isIP(address) === 0 || !isPort(port)) {
      throw new RefusedError('not an address');
    }
    const names = this.#lookedUp.of(address);
    const hostOf = HOST_OF[port];
    const isByNameAlone = hostOf !== undefined && this.#outbound.isByNameAlone(address, names);
    if (hostOf && (isByNameAlone || this.#outbound.rules.rules)) {
      const client = await GuestSocket.adopt(link, id);
      client.on('error', () => client.destroy());
      return this.#passByName(client, { address, port, names, isByNameAlone }, hostOf).finally(() =>
        client.destroy(),
      );
    }
    const outside = await this.#outbound.connectToAddress(address, port, names);
    try {
      await joinOutside(await GuestSocket.adopt(link, id), outside);
    } finally {
      outside.destroy();
    }
  }

  async #passByName(
    client: Duplex,
    to: { address: string; port: number; names: string[]; isByNameAlone: boolean },
    hostOf: (bytes: Buffer) => AskedHost,
  ): Promise<void> {
    const { address, port } = to;
    const host = await hostAskedFor(client, hostOf);
    if (host !== undefined && this.#writer.isFor(host)) return this.#writer.serve(client, port);
    // Many sites share an address: where that is permitted for the name of one, it is this one that has to be asked for.
    const named = host === undefined ? [] : [host];
    if (to.isByNameAlone && host === undefined)
      throw new RefusedError(`${address}:${port} is asked for no name`);
    const names = to.isByNameAlone ? named : to.names;
    const outside = await this.#outbound.connectToAddress(address, port, names);
    await joinOutside(client, outside).finally(() => outside.destroy());
  }

  async #answer(link: GuestLink, id: number, packet: unknown): Promise<void> {
    this.#questions += 1;
    try {
      const isAnswered = typeof packet === 'string' && this.#questions <= MAX_QUESTIONS;
      const answer = isAnswered ? await this.#names.answer(Buffer.from(packet, 'base64'), true) : undefined;
      await link.call('egress.answer', { id, packet: answer?.toString('base64') });
    } catch {
      // The sandbox is gone or paused.
    } finally {
      this.#questions -= 1;
    }
  }
}

/** Joins a program's connection to one of the outside. */
function joinOutside(client: Duplex, outside: Socket): Promise<void> {
  // The program may have gone for good, which looks the same.
  client.once('end', () => outside.setTimeout(HALF_OPEN_IDLE_MS, () => outside.destroy()));
  return join(client, outside);
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 65_535;
}

function closed(socket: Duplex): Promise<void> {
  socket.on('error', () => socket.destroy());
  return new Promise((resolve) => socket.once('close', resolve));
}
