/** What every id of a job's workflow begins with. */
export const JOB_ID_PREFIX = 'job-';

/** The id of a job: the same key is the same job; without one, `unique` makes it its own. */
export function jobIdOf(key: string | undefined, unique: () => string): string {
  return `${JOB_ID_PREFIX}${key ?? unique()}`;
}
