/** Temporal's libraries take a missing file for an empty one, but not an empty one. */
const NO_FILE = '/nonexistent/temporal.toml';

/** Addresses, certificates and profiles of other servers are not meant for this one. */
export function withoutOtherServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => !/^(TEMPORAL_|E2B_)/.test(name));
  return { ...Object.fromEntries(own), TEMPORAL_CONFIG_FILE: NO_FILE };
}
