import { devNull } from 'node:os';

/** Addresses, certificates and profiles of other servers are not meant for this one. */
export function withoutOtherServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => !/^(TEMPORAL_|E2B_)/.test(name));
  return { ...Object.fromEntries(own), TEMPORAL_CONFIG_FILE: devNull };
}
