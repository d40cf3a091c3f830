import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Netlink for netfilter, by a number that no kernel has.
const WITH_NETFILTER = 'NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12';
const WITHOUT_NETFILTER = 'NETLINK_ROUTE, NETLINK_NETFILTER = 0, 31';

const ROOT = join(import.meta.dirname, '..', '..');

/** Makes a copy of the sandbox server whose guest asks the kernel for something that is not there; its program. */
export function serverOnAnOldKernel(copy: string): string {
  cpSync(join(ROOT, 'src/sandbox-server'), join(copy, 'src/sandbox-server'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const path = join(copy, 'src/sandbox-server/guest/redirect.py');
  const text = readFileSync(path, 'utf8');
  if (!text.includes(WITH_NETFILTER)) throw new Error(`${path} does not ask for netfilter any more`);
  writeFileSync(path, text.replace(WITH_NETFILTER, WITHOUT_NETFILTER));
  return join(copy, 'src/sandbox-server/main.ts');
}
