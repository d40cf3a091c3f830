import { BlockList, isIP, isIPv6 } from 'node:net';

import type { HeaderRules } from './header-rules.ts';
import { ownInterfaces } from './own-interfaces.ts';
import type { SocksProxy } from './socks-proxy.ts';

/** Addresses that are nobody's on the internet: this machine, its networks, and their metadata services. By RFC 6890 and its successors. */
const PRIVATE = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/127',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
];

const OWN_MAX_AGE_MS = 1_000;

/** What a sandbox may reach, by E2B's names. */
export interface OutboundRules {
  /** Addresses, ranges and names (`*.example.com` for all below one); they win over `denyOut`. */
  allowOut?: string[];
  /** Addresses and ranges. */
  denyOut?: string[];
  /** What connections that are permitted go through. */
  egressProxy?: SocksProxy;
  /** What is written into requests to some hosts; it opens no way there. */
  rules?: HeaderRules;
}

/** A list of addresses and ranges. @throws RangeError where an entry is neither */
export function addressList(entries: string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', ...rest] = entry.split('/');
    const bits = rest.length === 0 ? undefined : rest.join('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      throw new RangeError(`'${entry}' is neither an address nor a range of them`);
    }
    list.addSubnet(address, bits === undefined ? most : Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Decides which addresses sandboxes reach; this machine and its networks never, but for what the operator names. */
export class AddressRules {
  #private = addressList(PRIVATE);
  #excepted: BlockList;
  #own = { addresses: new Set<string>(), readAtMs: -Infinity };

  /** @param excepted addresses of private networks that sandboxes may reach all the same, such as a mirror of packages */
  constructor(excepted: string[]) {
    this.#excepted = addressList(excepted);
  }

  /** Why an address cannot be reached that goes by these names, the first of which the reason tells; undefined where it can. */
  refusal(
    names: string[],
    address: string,
    { allowOut = [], denyOut = [] }: OutboundRules,
  ): string | undefined {
    const [name = address] = names;
    const plain = withoutMapping(address);
    if (this.isClosed(address)) {
      return `${name} is on this machine or a private network`;
    }
    if (contains(addressList(bothFamilies(allowOut.filter(isAddress))), plain)) return undefined;
    const patterns = allowOut.filter((rule) => !isAddress(rule));
    if (patterns.some((pattern) => names.some((each) => matchesName(pattern, each)))) return undefined;
    if (!contains(addressList(bothFamilies(denyOut)), plain)) return undefined;
    return `${name} is denied by the sandbox's rules`;
  }

  /** Whether an address is on this machine or a private network, which no rules of a sandbox open, or is none at all. */
  isClosed(address: string): boolean {
    const plain = withoutMapping(address);
    // One of a zone is of a network that this machine is on.
    if (isIP(plain) === 0 || plain.includes('%')) return true;
    return !contains(this.#excepted, plain) && this.#isPrivate(plain);
  }

  /** False where a name need not be looked up, for the rules permit none of the addresses that it could have. */
  mayBeReached(name: string, { allowOut = [], denyOut = [] }: OutboundRules): boolean {
    if (!bothFamilies(denyOut).includes('::/0')) return true;
    return allowOut.some((rule) => isAddress(rule) || matchesName(rule, name));
  }

  #isPrivate(address: string): boolean {
    if (contains(this.#private, address) || /^::ffff:/i.test(address)) return true;
    return this.#ownAddresses().has(address);
  }

  /** Addresses of a machine come and go. */
  #ownAddresses(): Set<string> {
    if (performance.now() - this.#own.readAtMs > OWN_MAX_AGE_MS) {
      const addresses = new Set(ownInterfaces().map(({ address }) => address));
      this.#own = { addresses, readAtMs: performance.now() };
    }
    return this.#own.addresses;
  }
}

/** E2B's word for everything is the whole of IPv4; it means IPv6 too. */
function bothFamilies(rules: string[]): string[] {
  return rules.some((rule) => /^\d+(\.\d+){3}\/0$/.test(rule)) ? [...rules, '::/0'] : rules;
}

function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Whether a rule is of addresses, and not of names. */
export function isAddress(rule: string): boolean {
  return isIP(rule.split('/')[0] ?? '') !== 0;
}

function matchesName(pattern: string, name: string): boolean {
  const wanted = pattern.toLowerCase();
  const asked = name.toLowerCase().replace(/\.$/, '');
  if (wanted === '*') return true;
  return wanted.startsWith('*.') ? asked.endsWith(wanted.slice(1)) : asked === wanted;
}
