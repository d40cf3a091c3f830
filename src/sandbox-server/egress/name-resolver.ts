import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

import { ownInterfaces } from './own-interfaces.ts';

const HOSTS_MAX_AGE_MS = 1_000;
const HOSTS_TTL_S = 60;

/** An address of a name, and how long that is to be believed. */
export interface NamedAddress {
  address: string;
  ttl: number;
}

/**
 * Looks names up in the machine's hosts file, else at its name servers. Not by the system's own lookup: that works in the few threads which files are
 * read in too, and sandboxes could keep them all waiting with names that nobody answers for.
 */
export class NameResolver {
  #resolver = new Resolver({ timeout: 2_000, tries: 2 });
  #hosts = { names: new Map<string, string[]>(), readAtMs: -Infinity };

  /** @param servers addresses, each with a port or without; the machine's own where there are none. @throws TypeError where one is no address */
  constructor(servers: string[] = []) {
    if (servers.length > 0) this.#resolver.setServers(servers);
  }

  /** The addresses of a name, IPv4 first; none where it has none. */
  async addresses(name: string): Promise<string[]> {
    if (isIP(name)) return [name];
    const found = await Promise.allSettled([this.addressesOf(name, 4), this.addressesOf(name, 6)]);
    return found
      .flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
      .map((each) => each.address);
  }

  /** Its addresses of one family; of IPv6 none where this machine has no way there. @throws errors of DNS, `ENOTFOUND` where there is no such name */
  async addressesOf(name: string, family: 4 | 6): Promise<NamedAddress[]> {
    const listed = (await this.#hostsFile()).get(name.toLowerCase());
    if (listed) {
      return listed.filter((each) => isIP(each) === family).map((address) => ({ address, ttl: HOSTS_TTL_S }));
    }
    if (family === 4) return this.#resolver.resolve4(name, { ttl: true });
    return hasIpv6() ? this.#resolver.resolve6(name, { ttl: true }) : [];
  }

  /** What else name servers say of a name. @throws as {@link addressesOf} */
  get servers(): Pick<Resolver, 'resolveMx' | 'resolveTxt' | 'resolveSrv' | 'resolveNs' | 'resolveCname'> {
    return this.#resolver;
  }

  async #hostsFile(): Promise<Map<string, string[]>> {
    if (performance.now() - this.#hosts.readAtMs > HOSTS_MAX_AGE_MS) {
      const text = await readFile('/etc/hosts', 'utf8').catch(() => '');
      this.#hosts = { names: namesOfHosts(text), readAtMs: performance.now() };
    }
    return this.#hosts.names;
  }
}

/** Whether this machine has an address of the IPv6 internet: many programs give up where the first address of a name does not answer. */
function hasIpv6(): boolean {
  return ownInterfaces().some(({ address, internal }) => !internal && /^[23][0-9a-f]{3}:/i.test(address));
}

/** What a hosts file says: the addresses of each name, in small letters. */
export function namesOfHosts(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    if (!isIP(address)) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      found.set(key, [...(found.get(key) ?? []), address]);
    }
  }
  return found;
}
