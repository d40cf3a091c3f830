import { loadClientConfig, loadClientConnectConfig } from '@temporalio/envconfig';

export type TemporalProfile = ReturnType<typeof loadClientConnectConfig>;

/** What environment and temporal.toml say of the server. Throws what Temporal's reader throws: for a broken file, and for a profile that is missing. */
export function temporalProfile(profile: string | undefined, env: NodeJS.ProcessEnv): TemporalProfile {
  // Set but empty is not set.
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  const wanted = profile ?? overrideEnvVars['TEMPORAL_PROFILE'];
  try {
    return loadClientConnectConfig({ ...(profile !== undefined && { profile }), overrideEnvVars });
  } catch (error) {
    if (!hasNoProfiles(overrideEnvVars)) throw error;
    if (wanted !== undefined)
      throw new Error(`Profile '${wanted}' not found in config data`, { cause: error });
    return loadClientConnectConfig({ disableFile: true, overrideEnvVars });
  }
}

/** Whether environment or temporal.toml say where the server is. A file that cannot be read counts: whoever connects has to tell of it. */
export function namesServer(env: NodeJS.ProcessEnv): boolean {
  try {
    const { connectionOptions, namespace } = temporalProfile(undefined, env);
    return [connectionOptions.address, connectionOptions.apiKey, namespace].some(
      (value) => value !== undefined,
    );
  } catch {
    return true;
  }
}

/** An empty file is a valid one, and yet Temporal's reader looks for the table of profiles without asking whether it is there. */
function hasNoProfiles(overrideEnvVars: Record<string, string>): boolean {
  try {
    loadClientConfig({ overrideEnvVars });
    return false;
  } catch (error) {
    return error instanceof TypeError;
  }
}
