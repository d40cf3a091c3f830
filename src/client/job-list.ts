import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { Category } from '../domain/diagnosis.ts';
import type { Verdict, JobStatus } from '../domain/job-result.ts';
import type { Language } from '../domain/language.ts';
import { KEYS } from '../domain/search-attributes.ts';

/** Which jobs to list; what is left out does not matter. */
export interface JobFilter {
  state?: JobStatus['state'] | undefined;
  verdict?: Verdict | undefined;
  language?: Language | undefined;
  template?: string | undefined;
  batch?: string | undefined;
  /** Category of the diagnosis. */
  failure?: Category | undefined;
  /** Only jobs started at or after this time. */
  since?: Date | undefined;
  /** At most so many, newest first. Default: 50 */
  limit?: number | undefined;
}

/** A job in a list. */
export interface JobSummary {
  jobId: string;
  state: JobStatus['state'];
  verdict?: Verdict | undefined;
  language?: Language | undefined;
  template?: string | undefined;
  failure?: Category | undefined;
  startedAt: Date;
  endedAt?: Date | undefined;
}

const STATES: Record<JobStatus['state'], readonly string[]> = {
  running: ['Running'],
  done: ['Completed'],
  cancelled: ['Canceled'],
  broken: ['Failed', 'Terminated', 'TimedOut'],
};
const DEFAULT_LIMIT = 50;

/** Jobs by filter, newest first. Where the server knows no search attributes of ours, what the jobs note of themselves is looked through. */
export async function* listJobs(
  client: Client,
  filter: JobFilter,
  indexed: boolean,
): AsyncGenerator<JobSummary> {
  let left = filter.limit ?? DEFAULT_LIMIT;
  for await (const info of client.workflow.list({ query: queryOf(filter, indexed) })) {
    if (left <= 0) return;
    const summary = summaryOf(info);
    if (!indexed && !fits(summary, filter)) continue;
    left -= 1;
    yield summary;
  }
}

export function queryOf(filter: JobFilter, indexed: boolean): string {
  const parts = [`WorkflowType = 'agentJob'`];
  const equals = (name: string, value: string | undefined) => {
    if (value !== undefined && indexed) parts.push(`${name} = ${quoted(value)}`);
  };
  equals(KEYS.verdict.name, filter.verdict);
  equals(KEYS.language.name, filter.language);
  equals(KEYS.template.name, filter.template);
  equals(KEYS.batch.name, filter.batch);
  equals(KEYS.failure.name, filter.failure);
  if (filter.state)
    parts.push(`(${STATES[filter.state].map((state) => `ExecutionStatus = '${state}'`).join(' OR ')})`);
  if (filter.since) parts.push(`StartTime >= ${quoted(filter.since.toISOString())}`);
  return parts.join(' AND ');
}

function quoted(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`;
}

function fits(summary: JobSummary, filter: JobFilter): boolean {
  return (['verdict', 'language', 'template', 'failure'] as const).every(
    (field) => filter[field] === undefined || filter[field] === summary[field],
  );
}

type Told = Pick<WorkflowExecutionInfo, 'typedSearchAttributes' | 'memo'>;

/** What a job has told of itself: by search attribute, or in its memo where the server knows none of ours. */
function told<T extends string>(
  { typedSearchAttributes, memo }: Told,
  field: Exclude<keyof typeof KEYS, 'batch'>,
): T | undefined {
  return (typedSearchAttributes.get(KEYS[field]) ?? memo?.[field]) as T | undefined;
}

/** The verdict of a job; undefined where it has none yet. */
export function verdictOf(info: Told): Verdict | undefined {
  return told<Verdict>(info, 'verdict');
}

function summaryOf(info: WorkflowExecutionInfo): JobSummary {
  return {
    jobId: info.workflowId,
    state: stateOf(info.status.name),
    verdict: verdictOf(info),
    language: told<Language>(info, 'language'),
    template: told<string>(info, 'template'),
    failure: told<Category>(info, 'failure'),
    startedAt: info.startTime,
    endedAt: info.closeTime,
  };
}

function stateOf(status: WorkflowExecutionInfo['status']['name']): JobSummary['state'] {
  if (status === 'RUNNING') return 'running';
  if (status === 'COMPLETED') return 'done';
  return status === 'CANCELLED' ? 'cancelled' : 'broken';
}
