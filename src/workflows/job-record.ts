import { isCancellation, setCurrentDetails } from '@temporalio/workflow';
import type { Timed } from '../activities/contract.ts';
import type { JobInput } from '../domain/job-input.ts';
import type { Attempt, JobResult, JobStatus, StepName, StepRecord } from '../domain/job-result.ts';
import { jobResultOf, type Outcomes } from '../domain/job-result-of.ts';
import { judge } from '../domain/judge.ts';
import type { Evidence } from '../domain/judge.ts';
import { decisiveAttempt } from '../domain/next-step.ts';
import type { Finding } from '../domain/finding.ts';
import type { ExecuteOutcome, TestOutcome, ValidateOutcome } from '../domain/step-outcome.ts';
import { detailsOf } from './details.ts';
import { StepTrouble, troubleIn } from './step-trouble.ts';

/** What the steps of one attempt have given so far. */
export interface Found extends Evidence, Outcomes {
  validation?: ValidateOutcome | undefined;
  execution?: ExecuteOutcome | undefined;
  tests?: TestOutcome | undefined;
}

const instant = (ms: number): string => new Date(ms).toISOString();

/** Everything that a job has done so far: what its status, its page in the Web UI and its result are made from. */
export class JobRecord {
  readonly job: JobInput;
  readonly attempts: Attempt[] = [];
  /** Sandboxes opened so far, over all attempts. */
  openings = 0;
  sandboxMs = 0;
  sandboxId: string | undefined;
  #findings: Finding[] = [];
  #step: JobStatus['step'] = 'waiting';
  #found = new Map<Attempt, Found>();
  #current: { number: number; startedAtMs: number; steps: StepRecord[] };
  readonly #startedAtMs = Date.now();

  constructor(job: JobInput) {
    this.job = job;
    this.#current = { number: 0, startedAtMs: this.#startedAtMs, steps: [] };
  }

  get attempt(): number {
    return this.#current.number;
  }

  beginAttempt(): void {
    this.sandboxId = undefined;
    this.#current = { number: this.attempts.length + 1, startedAtMs: Date.now(), steps: [] };
  }

  /** Runs a step and notes it. Throws StepTrouble where the world did not let it end. */
  async step<T extends object>(name: StepName, run: () => Promise<Timed<T>>): Promise<T> {
    const startedAtMs = Date.now();
    this.#show(name);
    try {
      const { value, startedAt, durationMs } = await run();
      if (!('deferred' in value && value.deferred))
        this.#note({
          name,
          startedAt,
          durationMs,
          outcome: 'fault' in value && value.fault ? 'failed' : 'ok',
        });
      return value;
    } catch (error) {
      const trouble = isCancellation(error) ? undefined : troubleIn(error);
      const durationMs = Date.now() - startedAtMs;
      const what = trouble ? `${trouble.type}: ${trouble.message}` : 'cancelled';
      this.#note({ name, startedAt: instant(startedAtMs), durationMs, outcome: 'error', trouble: what });
      throw trouble ? new StepTrouble(name, trouble, { cause: error }) : error;
    }
  }

  noteFindings(findings: Finding[]): void {
    this.#findings = findings;
  }

  endAttempt(found: Found): void {
    const { number, startedAtMs, steps } = this.#current;
    const durationMs = Date.now() - startedAtMs;
    const { sandboxId } = this;
    const attempt = {
      number,
      sandboxId,
      startedAt: instant(startedAtMs),
      durationMs,
      steps,
      ...judge(found),
    };
    this.attempts.push(attempt);
    this.#found.set(attempt, found);
    this.#current = { ...this.#current, steps: [] };
    this.#show('waiting');
  }

  result(): JobResult {
    this.#show('done');
    return jobResultOf(this.job, {
      attempts: this.attempts,
      findings: this.#findings,
      outcomesOf: (decisive) => this.#found.get(decisive) ?? {},
      startedAtMs: this.#startedAtMs,
      sandboxMs: this.sandboxMs,
    });
  }

  status(): JobStatus {
    const { attempts, sandboxId } = this;
    const done = this.#step === 'done';
    return {
      jobId: this.job.jobId,
      state: done ? 'done' : 'running',
      attempt: this.attempt,
      step: this.#step,
      sandboxId,
      steps: [
        ...attempts.flatMap(({ number, steps }) => steps.map((step) => ({ attempt: number, ...step }))),
        ...this.#current.steps.map((step) => ({ attempt: this.attempt, ...step })),
      ],
      verdict: done ? decisiveAttempt(attempts)?.verdict : undefined,
    };
  }

  #note(step: StepRecord): void {
    this.#current.steps.push(step);
    this.#show('waiting');
  }

  #show(step: JobStatus['step']): void {
    this.#step = step;
    setCurrentDetails(detailsOf(this.status(), this.attempts));
  }
}
