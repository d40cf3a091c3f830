import { connect, type Socket } from 'node:net';

import type { AddressRules, OutboundRules } from './address-rules.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import type { NameResolver } from './name-resolver.ts';
import { askProxy, hostAndPort, type SocksProxy } from './socks-proxy.ts';

const CONNECT_TIMEOUT_MS = 15_000;
/** Of one name that are tried. */
const MAX_ADDRESSES = 4;
/** After which an outside that has gone without a word is noticed, in the end. */
const KEEP_ALIVE_MS = 60_000;

/** A connection of a sandbox to the outside. */
interface Connection {
  /** All that it may be permitted by. */
  names: string[];
  address: string;
  socket: Socket;
}

/** What sandboxes may reach, and how much of it. */
export interface Reachable {
  addresses: AddressRules;
  names: NameResolver;
  /** Of all of them together. */
  budget: ConnectionBudget;
}

/** An address that may not be reached. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code = 'egress-refused';
}

/** What one sandbox has open to the outside: makes connections to addresses that were checked, and cuts those that its rules no longer permit. */
export class Outbound {
  readonly names: NameResolver;
  readonly addresses: AddressRules;
  #budget: ConnectionBudget;
  #rules: OutboundRules;
  #open = new Set<Connection>();

  constructor({ addresses, names, budget }: Reachable, rules: OutboundRules) {
    this.addresses = addresses;
    this.names = names;
    this.#budget = budget;
    this.#rules = rules;
  }

  get rules(): OutboundRules {
    return this.#rules;
  }

  /** Takes other rules; connections that they do not permit are cut. */
  update(rules: OutboundRules): void {
    this.#rules = rules;
    for (const { names, address, socket } of this.#open) {
      if (this.#refusal(names, address) !== undefined) socket.destroy();
    }
  }

  /**
   * Connects to a name, which is resolved once, so that what was checked is what is connected to; to its next address where one does not answer.
   * @throws RefusedError · errors of the network
   */
  async connectToName(name: string, port: number): Promise<Socket> {
    if (name === '' || port < 1 || port > 65_535) throw new RefusedError(`'${name}:${port}' is no address`);
    if (!this.addresses.mayBeReached(name, this.#rules)) throw new RefusedError(denied(name));
    const found = await this.names.addresses(name);
    if (found.length === 0) throw new Error(`${name} has no address`);
    const refusals = found.map((each) => this.#refusal([name], each));
    const permitted = found.filter((_, i) => refusals[i] === undefined);
    let trouble: unknown = new RefusedError(refusals[0]);
    for (const address of permitted.slice(0, MAX_ADDRESSES)) {
      try {
        return await this.#connect([name], address, port);
      } catch (error) {
        if (error instanceof RefusedError) throw error;
        trouble = error;
      }
    }
    throw trouble;
  }

  /**
   * Connects to an address, which may be permitted by itself or by one of the names that it goes by.
   * @throws RefusedError · errors of the network
   */
  async connectToAddress(address: string, port: number, names: string[]): Promise<Socket> {
    return this.#connect([address, ...names], address, port);
  }

  /** Whether an address is permitted for one of these names, and not by itself. */
  isByNameAlone(address: string, names: string[]): boolean {
    return this.#refusal([address], address) !== undefined && this.#refusal(names, address) === undefined;
  }

  #refusal(names: string[], address: string): string | undefined {
    return this.addresses.refusal(names, address, this.#rules);
  }

  async #connect(names: string[], address: string, port: number): Promise<Socket> {
    const proxy = this.#rules.egressProxy;
    const first = proxy ? await addressOfProxy(proxy, this) : { host: address, port };
    // They may have changed meanwhile.
    const refusal = this.#refusal(names, address);
    if (refusal !== undefined) throw new RefusedError(refusal);
    const tooMany = this.#budget.take(this.#open.size);
    if (tooMany !== undefined) throw new RefusedError(tooMany);
    const socket = connect({ ...first, allowHalfOpen: true, noDelay: true });
    const connection = { names, address, socket };
    this.#open.add(connection);
    socket.once('close', () => {
      this.#open.delete(connection);
      this.#budget.release(this.#open.size);
    });
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
        socket.destroy(new Error(`${names[0]}:${port} does not answer`)),
      );
      socket.once('connect', resolve).once('error', reject);
      // Without an error where the rules have changed meanwhile.
      socket.once('close', () => reject(new RefusedError(denied(names[0] ?? address))));
    });
    socket.on('error', () => socket.destroy());
    if (proxy) {
      // Who is permitted by a name goes to that name, as the proxy knows it.
      const target = this.isByNameAlone(address, names)
        ? names.find((name) => this.#refusal([name], address) === undefined)
        : address;
      await askProxy(socket, proxy, target ?? address, port).catch((error: unknown) => {
        socket.destroy();
        throw error;
      });
    }
    socket.setTimeout(0);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return socket;
  }
}

/** Where a proxy is now. @throws RefusedError where that is nowhere, or on this machine or a private network */
export async function addressOfProxy(
  { address }: SocksProxy,
  { names, addresses }: Pick<Outbound, 'names' | 'addresses'>,
): Promise<{ host: string; port: number }> {
  const { host = '', port = 0 } = hostAndPort(address) ?? {};
  const found = await names.addresses(host);
  const open = found.find((each) => !addresses.isClosed(each));
  if (open !== undefined) return { host: open, port };
  const why = found.length === 0 ? 'has no address' : 'is on this machine or a private network';
  throw new RefusedError(`the egress proxy ${address} ${why}`);
}

function denied(name: string): string {
  return `${name} is denied by the sandbox's rules`;
}
