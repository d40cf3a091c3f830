import type { Finding } from './finding.ts';
import type { JobInput } from './job-input.ts';
import type { Attempt, JobResult } from './job-result.ts';
import { decisiveAttempt } from './next-step.ts';
import type { CollectOutcome, ExecuteOutcome, TestOutcome } from './step-outcome.ts';

/** What a result says of its job. */
export type ResultJob = Pick<JobInput, 'jobId' | 'key' | 'language' | 'template' | 'labels' | 'codeChars'>;

/** What the steps of one attempt have given. */
export interface Outcomes {
  execution?: ExecuteOutcome | undefined;
  tests?: TestOutcome | undefined;
  artifacts?: CollectOutcome | undefined;
}

export interface ResultFacts {
  attempts: Attempt[];
  findings: Finding[];
  /** What the attempt that speaks for the job has given. */
  outcomesOf: (decisive: Attempt) => Outcomes;
  startedAtMs: number;
  sandboxMs: number;
}

/** The result of a job that ends now. */
export function jobResultOf(job: ResultJob, facts: ResultFacts): JobResult {
  const { attempts, findings, startedAtMs, sandboxMs } = facts;
  const decisive = decisiveAttempt(attempts) as Attempt;
  const { execution, tests, artifacts } = facts.outcomesOf(decisive);
  return {
    schemaVersion: 1,
    jobId: job.jobId,
    key: job.key,
    verdict: decisive.verdict,
    language: job.language,
    template: job.template,
    labels: job.labels,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: Date.now() - startedAtMs,
    findings,
    attempts,
    execution: execution?.execution,
    tests: tests?.tests,
    artifacts: artifacts?.artifacts ?? [],
    artifactsOmitted: artifacts?.omitted,
    diagnosis: decisive.diagnosis,
    usage: { sandboxMs, codeChars: job.codeChars },
  };
}
