import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/**
 * Not the system's own lookup: that works in the few threads which files are read in too, and sandboxes could keep them all waiting with
 * names that nobody answers for.
 */
const resolver = new Resolver({ timeout: 2_000, tries: 2 });

/** The addresses of a name, IPv4 first: of the hosts file, else of the name servers; none where it has none. */
export async function resolveName(name: string): Promise<string[]> {
  if (isIP(name)) return [name];
  const listed = hostsEntries(await readFile('/etc/hosts', 'utf8').catch(() => ''), name);
  if (listed.length > 0) return listed;
  const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
}

/** What a hosts file says of a name. */
export function hostsEntries(text: string, name: string): string[] {
  const wanted = name.toLowerCase();
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return names.some((each) => each.toLowerCase() === wanted) && isIP(address) ? [address] : [];
  });
}
