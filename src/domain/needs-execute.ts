import type { TestKind } from './job-spec.ts';

/** Whether the code is run by itself before its tests. A program that reads its input has nothing to read then, so `io` does not. */
export function needsExecute(job: { tests?: { kind: TestKind } | undefined }): boolean {
  return job.tests?.kind !== 'io';
}
