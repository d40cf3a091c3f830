import type { Store } from '../store/store.ts';

/** What every step is given besides the sandbox and the job. */
export interface StepContext {
  store: Store;
  /** Aborted when the job is cancelled or the worker shuts down: the step ends the work in the sandbox and throws. */
  signal: AbortSignal;
}
