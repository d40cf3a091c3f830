import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { assayHome } from './home.ts';
import { DEFAULT_TASK_QUEUE } from './task-queue.ts';
import { temporalProfile } from './temporal-profile.ts';
import type { TemporalProfile } from './temporal-profile.ts';

/** The E2B backend: connection options and nothing else. */
export interface SandboxConnection {
  apiKey: string;
  /** Control plane. Default: E2B's cloud. */
  apiUrl?: string | undefined;
  /** Data plane. Default: E2B's cloud. */
  sandboxUrl?: string | undefined;
  domain?: string | undefined;
}

/** How to reach Temporal. */
export interface TemporalConnection {
  /** `host:port`. Default: localhost:7233 */
  address: string;
  /** Default: default */
  namespace: string;
  apiKey?: string | undefined;
  /** As Temporal's SDK takes it: true, false, or certificates. Default: on where there is an API key. */
  tls?: TemporalProfile['connectionOptions']['tls'] | undefined;
  /** Headers of each call. */
  metadata?: Record<string, string> | undefined;
}

/** Everything that a worker or a client needs to know of its surroundings. */
export interface Config {
  temporal: TemporalConnection;
  /** Default: assay */
  taskQueue: string;
  /** Default: the folder `store` in `home`. */
  storeUrl: string;
  /** Absent where no key is given: enough for a client. A worker needs it: see `sandboxOf`. */
  sandbox?: SandboxConnection | undefined;
  /** Folder of caches, the local store and the embedded stack's state. Default: `.assay` in the checkout, `~/.assay` for an installed package. */
  home: string;
  /** How long a worker that is told to stop lets running steps end, in ms. Default: 30000 */
  shutdownGraceMs: number;
  /** Steps that a worker runs at once. Default: 20 */
  concurrency: number;
  /** Shards of batches that a worker runs at once. Default: the number of processors */
  shards: number;
  /** Signs the webhooks that a worker posts. Absent: it posts none. */
  webhookSecret?: string | undefined;
}

/** What may be given in code or on a command line; it goes before the environment. */
export interface ConfigFlags {
  address?: string | undefined;
  namespace?: string | undefined;
  /** A profile of temporal.toml. Default: TEMPORAL_PROFILE or `default` */
  profile?: string | undefined;
  apiKey?: string | undefined;
  taskQueue?: string | undefined;
  storeUrl?: string | undefined;
  sandbox?: Partial<SandboxConnection> | undefined;
  home?: string | undefined;
  shutdownGraceMs?: number | undefined;
  concurrency?: number | undefined;
  shards?: number | undefined;
}

/** What the surroundings say does not fit. Codes: `invalid-config`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid-config';
}

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
const text = z.string().min(1);
const count = (least: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(least, `must be at least ${least}`);

const Environment = z.object({
  ASSAY_TASK_QUEUE: text.default(DEFAULT_TASK_QUEUE),
  ASSAY_STORE: text.optional(),
  ASSAY_SHUTDOWN_GRACE_MS: count(0).default(30_000),
  ASSAY_CONCURRENCY: count(1).default(20),
  ASSAY_WEBHOOK_SECRET: text.min(16, 'must be at least 16 characters').optional(),
  ASSAY_SHARDS: count(1).default(availableParallelism()),
  E2B_API_KEY: text.optional(),
  E2B_API_URL: httpUrl.optional(),
  E2B_SANDBOX_URL: httpUrl.optional(),
  E2B_DOMAIN: text.optional(),
});
export type Environment = z.infer<typeof Environment>;

/**
 * Reads flags, environment and temporal.toml, in this order of precedence. Throws ConfigError with the name of the variable at fault.
 */
export function loadConfig({
  flags = {},
  env = process.env,
}: { flags?: ConfigFlags; env?: NodeJS.ProcessEnv } = {}): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '),
    );
  const environment = parsed.data;
  const home = flags.home === undefined ? assayHome(given) : resolve(flags.home);
  return {
    temporal: temporalConnection(flags, given),
    taskQueue: flags.taskQueue ?? environment.ASSAY_TASK_QUEUE,
    storeUrl: flags.storeUrl ?? environment.ASSAY_STORE ?? join(home, 'store'),
    sandbox: sandboxConnection(flags.sandbox, environment),
    home,
    shutdownGraceMs: flags.shutdownGraceMs ?? environment.ASSAY_SHUTDOWN_GRACE_MS,
    concurrency: flags.concurrency ?? environment.ASSAY_CONCURRENCY,
    shards: flags.shards ?? environment.ASSAY_SHARDS,
    webhookSecret: environment.ASSAY_WEBHOOK_SECRET,
  };
}

/** The sandbox backend of a configuration. Throws ConfigError where there is none. */
export function sandboxOf(config: Config): SandboxConnection {
  if (config.sandbox) return config.sandbox;
  throw new ConfigError(
    "E2B_API_KEY is not set: give the key of E2B's cloud, or of a local sandbox server with E2B_API_URL and E2B_SANDBOX_URL",
  );
}

/** Host, or an IPv6 address in brackets, and mostly a port. */
const ADDRESS = /^(?:\[[\da-f:.]+\]|[^\s:/[\]]+)(?::\d{1,5})?$/i;

function temporalConnection(flags: ConfigFlags, env: NodeJS.ProcessEnv): TemporalConnection {
  const { connectionOptions, namespace } = profileOf(flags.profile, env);
  const apiKey = flags.apiKey ?? connectionOptions.apiKey;
  const address = flags.address || connectionOptions.address || 'localhost:7233';
  if (!ADDRESS.test(address))
    throw new ConfigError(
      `The address of Temporal's server is a name or IP address with a port, such as temporal.example.com:7233, without a scheme; given was '${address}'`,
    );
  return {
    address,
    namespace: flags.namespace ?? namespace ?? 'default',
    apiKey,
    tls: connectionOptions.tls ?? (apiKey === undefined ? undefined : true),
    metadata: connectionOptions.metadata as Record<string, string> | undefined,
  };
}

function profileOf(profile: string | undefined, env: NodeJS.ProcessEnv): TemporalProfile {
  try {
    return temporalProfile(profile, env);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Temporal's profile cannot be read: ${message}`, { cause });
  }
}

function sandboxConnection(
  flags: Partial<SandboxConnection> | undefined,
  environment: Environment,
): SandboxConnection | undefined {
  const apiKey = flags?.apiKey ?? environment.E2B_API_KEY;
  if (apiKey === undefined) return undefined;
  return {
    apiKey,
    apiUrl: flags?.apiUrl ?? environment.E2B_API_URL,
    sandboxUrl: flags?.sandboxUrl ?? environment.E2B_SANDBOX_URL,
    domain: flags?.domain ?? environment.E2B_DOMAIN,
  };
}
