import { upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { KEYS } from '../domain/search-attributes.ts';
import type { JobInput } from '../domain/job-input.ts';
import type { JobResult } from '../domain/job-result.ts';

/** Makes the outcome searchable where the server knows the attributes, and at least listable where it does not. */
export function publishOutcome(job: JobInput, { verdict, diagnosis }: JobResult): void {
  if (!job.indexed) return upsertMemo({ verdict });
  const failure = diagnosis ? [{ key: KEYS.failure, value: diagnosis.category }] : [];
  upsertSearchAttributes([{ key: KEYS.verdict, value: verdict }, ...failure]);
}
