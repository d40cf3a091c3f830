import type { TestKind } from './job-spec.ts';

/** Whether the code is run by itself. Where there are tests, running it is theirs to do. */
export function needsExecute(job: { tests?: { kind: TestKind } | undefined }): boolean {
  return job.tests === undefined;
}
