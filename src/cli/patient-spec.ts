import type { JobSpec } from '../domain/job-spec.ts';
import type { Connection } from './connection.ts';

/** How long a job on a stack of its own command waits for trouble of the world to pass, in ms: nobody else is there to mend it. */
const OWN_STACK_PATIENCE_MS = 30_000;

/** A job as this server is to get it, where nothing says how long the world is waited for. */
export function patientSpec(spec: JobSpec, { embedded }: Pick<Connection, 'embedded'>): JobSpec {
  if (!embedded || spec.retry?.worldTimeoutMs !== undefined) return spec;
  return { ...spec, retry: { ...spec.retry, worldTimeoutMs: OWN_STACK_PATIENCE_MS } };
}
