import { JOB_ID_PREFIX } from '../domain/job-id.ts';

/** The id of a job from what a user gives: the id itself, or the key of the job. */
export function jobIdFrom(text: string): string {
  return text.startsWith(JOB_ID_PREFIX) ? text : `${JOB_ID_PREFIX}${text}`;
}
