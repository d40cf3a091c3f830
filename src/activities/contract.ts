import type { JobInput } from '../domain/job-input.ts';
import type { CollectOutcome, ExecuteOutcome, TestOutcome, ValidateOutcome } from '../domain/step-outcome.ts';
import type { SandboxTags } from '../sandboxes/tags.ts';

/** What an activity gives back: its value, and when it worked, without the time that it waited in a queue. */
export interface Timed<T> {
  value: T;
  /** ISO 8601, UTC. */
  startedAt: string;
  durationMs: number;
}

export interface OpenSandboxInput {
  template: string;
  internet: boolean;
  tags: SandboxTags;
  /** Whether an earlier opening may have left a sandbox with these tags. A second try assumes so anyway. */
  adopt: boolean;
  /** How much longer trouble may be waited out, in ms. */
  patienceMs: number;
}
/** A sandbox, or word that the worker has as many in hand as it can work in: then the opening is to queue. */
export type Opening =
  | { sandboxId: string; adopted: boolean; deferred?: undefined }
  | { sandboxId?: undefined; deferred: true };

export interface InSandboxInput {
  job: JobInput;
  sandboxId: string;
}
export interface CollectInput extends InSandboxInput {
  patienceMs: number;
}
export interface CloseSandboxInput {
  /** The one that is known. Every other one with these tags, of which only a dead worker knew, is closed too. */
  sandboxId?: string | undefined;
  tags: Pick<SandboxTags, 'jobId' | 'runId'>;
}

/** The verbs of a job. Each throws an ApplicationFailure whose `type` is a trouble's and whose first detail is the trouble. */
export interface JobActivities {
  validateCode(job: JobInput): Promise<Timed<ValidateOutcome>>;
  openSandbox(input: OpenSandboxInput): Promise<Timed<Opening>>;
  executeCode(input: InSandboxInput): Promise<Timed<ExecuteOutcome>>;
  runTests(input: InSandboxInput): Promise<Timed<TestOutcome>>;
  collectArtifacts(input: CollectInput): Promise<Timed<CollectOutcome>>;
  closeSandbox(input: CloseSandboxInput): Promise<Timed<{ closed: number }>>;
}
