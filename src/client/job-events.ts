import type { JobResult, JobStatus, StepName, StepRecord } from '../domain/job-result.ts';

/** What happens to a job, in order. */
export type JobEvent =
  | { type: 'step-started'; attempt: number; step: StepName }
  | ({ type: 'step-ended'; attempt: number; step: StepName } & Omit<StepRecord, 'name'>)
  | { type: 'done'; result: JobResult };

/** Turns successive views of a job into events, each told once. */
export class EventTeller {
  #ended = 0;
  /** Which step, counted over all attempts, was told as started last. */
  #started = 0;

  news(status: Pick<JobStatus, 'attempt' | 'step' | 'steps'>): JobEvent[] {
    const events: JobEvent[] = [];
    for (const { attempt, name, ...record } of status.steps.slice(this.#ended)) {
      this.#ended += 1;
      if (this.#started < this.#ended) events.push({ type: 'step-started', attempt, step: name });
      this.#started = Math.max(this.#started, this.#ended);
      events.push({ type: 'step-ended', attempt, step: name, ...record });
    }
    const { step, attempt } = status;
    if (step !== 'waiting' && step !== 'done' && this.#started === this.#ended) {
      this.#started += 1;
      events.push({ type: 'step-started', attempt, step });
    }
    return events;
  }

  end(result: JobResult): JobEvent[] {
    return [...this.news(statusOfResult(result)), { type: 'done', result }];
  }
}

/** The status of a job that is over. */
export function statusOfResult(result: JobResult): JobStatus {
  const last = result.attempts.at(-1);
  return {
    jobId: result.jobId,
    state: 'done',
    attempt: result.attempts.length,
    step: 'done',
    sandboxId: last?.sandboxId,
    steps: result.attempts.flatMap(({ number, steps }) =>
      steps.map((step) => ({ attempt: number, ...step })),
    ),
    verdict: result.verdict,
  };
}
