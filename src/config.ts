import { z } from 'zod';

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
  address: string;
  namespace: string;
  apiKey?: string | undefined;
  tls?: unknown;
}

/** Everything that a worker or a client needs to know of its surroundings. */
export interface Config {
  temporal: TemporalConnection;
  taskQueue: string;
  storeUrl: string;
  sandbox: SandboxConnection;
}

export const DEFAULT_TASK_QUEUE = 'assay';

const Environment = z.object({
  ASSAY_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUE),
  ASSAY_STORE: z.string().min(1).optional(),
  E2B_API_KEY: z.string().optional(),
  E2B_API_URL: z.url().optional(),
  E2B_SANDBOX_URL: z.url().optional(),
  E2B_DOMAIN: z.string().optional(),
});
export type Environment = z.infer<typeof Environment>;
