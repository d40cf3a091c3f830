import type { JobSummary } from '../client/job-list.ts';
import type { JobStatus } from '../domain/job-result.ts';
import { printableLine } from './printable.ts';
import { style, styledVerdict } from './style.ts';
import { table } from './table.ts';
import { duration, utcTime } from './units.ts';

/** Jobs as a table. */
export function renderJobs(jobs: JobSummary[]): string {
  if (jobs.length === 0) return 'no jobs';
  const rows = jobs.map((job) => [
    printableLine(job.jobId),
    job.verdict ? styledVerdict(job.verdict) : job.state,
    job.language ?? '',
    job.failure ?? '',
    utcTime(job.startedAt),
    job.endedAt ? duration(job.endedAt.getTime() - job.startedAt.getTime()) : '',
  ]);
  const titles = ['JOB', 'VERDICT', 'LANGUAGE', 'WHY', 'STARTED (UTC)', 'TOOK'];
  return table(
    titles.map((title) => ({ title, align: title === 'TOOK' ? 'right' : 'left' })),
    rows,
  );
}

/** A job that has no result: what it is doing, and its steps so far. */
export function renderStatus({ jobId, state, step, attempt, sandboxId, steps }: JobStatus): string {
  const doing: Record<JobStatus['state'], string> = {
    running:
      step === 'waiting'
        ? 'waiting for a worker or for the next attempt'
        : `attempt ${attempt}, step ${step}`,
    cancelled: 'cancelled before it had a verdict',
    broken: 'its workflow failed or was terminated from outside; there is no result',
    done: 'done',
  };
  return [
    `${style('bold', state)}  ${printableLine(jobId)}: ${doing[state]}`,
    ...(sandboxId ? [`  sandbox ${printableLine(sandboxId)}`] : []),
    ...steps.map(
      (record) => `  ${record.attempt}. ${record.name} ${record.outcome} ${duration(record.durationMs)}`,
    ),
  ].join('\n');
}
