import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** The addresses of this machine, each with what is known of its network. */
export function ownInterfaces(): NetworkInterfaceInfo[] {
  return Object.values(networkInterfaces()).flatMap((each) => each ?? []);
}
