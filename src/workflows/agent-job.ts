import {
  CancellationScope,
  CancelledFailure,
  isCancellation,
  log,
  patched,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobInput } from '../domain/job-input.ts';
import type { JobResult } from '../domain/job-result.ts';
import { needsExecute } from '../domain/needs-execute.ts';
import { nextStep } from '../domain/next-step.ts';
import { Patience } from '../domain/patience.ts';
import { troubleRow } from '../domain/trouble.ts';
import { jobActivities } from './job-activities.ts';
import type { JobVerbs } from './job-activities.ts';
import { JobRecord } from './job-record.ts';
import type { Found } from './job-record.ts';
import { statusQuery } from './messages.ts';
import { publishOutcome } from './search-attributes.ts';
import { StepTrouble } from './step-trouble.ts';

/** One job: validates the code, executes and tests it in a sandbox, tries again what may have been chance, and answers with a verdict. */
export async function agentJob(job: JobInput): Promise<JobResult> {
  const record = new JobRecord(job);
  setHandler(statusQuery, () => record.status());
  const story = new JobStory(record, jobActivities(job));

  for (;;) {
    record.beginAttempt();
    record.endAttempt(await story.attempt());
    const next = nextStep(record.attempts, job.retry);
    if (next.do === 'finish') break;
    await pause(next.afterMs);
  }

  const result = record.result();
  publishOutcome(job, result);
  return result;
}

/** The server's timers are as coarse as a second, so that a shorter wait than this would be a longer one. */
const SHORTEST_TIMER_MS = 500;

async function pause(ms: number): Promise<void> {
  if (ms >= SHORTEST_TIMER_MS) await sleep(ms);
}

/** The verbs of a job. */
class JobStory {
  readonly #record: JobRecord;
  readonly #activities: JobVerbs;
  readonly #patience: Patience;
  #validated = false;

  constructor(record: JobRecord, activities: JobVerbs) {
    this.#record = record;
    this.#activities = activities;
    this.#patience = new Patience(record.job.retry.worldTimeoutMs);
  }

  /** One attempt of the code. Trouble of the world is waited out within it: it begins again, in a fresh sandbox. */
  async attempt(): Promise<Found> {
    for (;;) {
      const found: Found = {};
      try {
        if (await this.#validate(found)) await this.#inSandbox((sandboxId) => this.#run(sandboxId, found));
        return found;
      } catch (error) {
        if (!(error instanceof StepTrouble)) throw error;
        // A cancellation closes the sandbox, and so what was at work in it may fail before it hears why.
        if (CancellationScope.current().consideredCancelled && patched('cancelled-work-is-no-trouble'))
          throw new CancelledFailure('Workflow cancelled');
        const { step, trouble } = error;
        // What the code did before the trouble is known for sure.
        if (found.execution?.fault || found.tests?.fault) return found;
        const afterMs = this.#spent(error) ? undefined : this.#patience.afterMs(trouble);
        if (afterMs === undefined) return { ...found, trouble: { step, trouble } };
        log.warn('Trouble of the world; the attempt begins again', { step, trouble: trouble.type, afterMs });
        await pause(afterMs);
      }
    }
  }

  /** Whether the activity itself has already used up what tries the trouble allows. */
  #spent({ step, trouble }: StepTrouble): boolean {
    return step === 'open' || (step === 'collect' && !troubleRow(trouble.type).freshSandbox);
  }

  /** Whether the code may run. */
  async #validate(found: Found): Promise<boolean> {
    if (this.#validated) return true;
    const { job } = this.#record;
    found.validation = await this.#record.step('validate', () => this.#activities.validateCode(job));
    this.#record.noteFindings(found.validation.findings);
    this.#validated = true;
    return found.validation.fault === undefined;
  }

  async #run(sandboxId: string, found: Found): Promise<void> {
    const record = this.#record;
    const { job } = record;
    const { executeCode, runTests, collectArtifacts } = this.#activities;
    if (needsExecute(job))
      found.execution = await record.step('execute', () => executeCode({ job, sandboxId }));
    if (job.tests && !found.execution?.fault)
      found.tests = await record.step('test', () => runTests({ job, sandboxId }));
    const { leftMs: patienceMs } = this.#patience;
    if (job.artifacts.length > 0)
      found.artifacts = await record.step('collect', () => collectArtifacts({ job, sandboxId, patienceMs }));
  }

  /** Opens a sandbox, works in it and closes it, whatever happens. */
  async #inSandbox(work: (sandboxId: string) => Promise<void>): Promise<void> {
    const record = this.#record;
    const { runId } = workflowInfo();
    record.openings += 1;
    record.sandboxId = undefined;
    let openedAtMs: number | undefined;
    // Whether there may be one: an opening that failed half-way can leave a sandbox, one that was refused cannot.
    let opened = true;
    try {
      const { sandboxId } = await this.#open(runId);
      record.sandboxId = sandboxId;
      openedAtMs = Date.now();
      await work(sandboxId);
    } catch (error) {
      opened = !(
        error instanceof StepTrouble &&
        error.step === 'open' &&
        !troubleRow(error.trouble.type).retryable
      );
      throw error;
    } finally {
      if (opened) await CancellationScope.nonCancellable(() => this.#close(runId));
      if (openedAtMs !== undefined) record.sandboxMs += Date.now() - openedAtMs;
    }
  }

  /** Mostly a sandbox can be had at once. Where not, an activity that can queue, wait and be cancelled tries on. */
  async #open(runId: string): Promise<{ sandboxId: string }> {
    const { job, openings, attempt } = this.#record;
    const { openAtOnce, openSandbox } = this.#activities;
    const owner = `assay/${workflowInfo().namespace}`;
    const tags = { owner, jobId: job.jobId, runId, opening: openings, attempt };
    const input = { template: job.template, internet: job.limits.internet, tags };
    let adopt = false;
    try {
      const opening = await this.#record.step('open', () => openAtOnce({ ...input, adopt, patienceMs: 0 }));
      if (!opening.deferred) return opening;
    } catch (error) {
      const afterMs = error instanceof StepTrouble ? this.#patience.afterMs(error.trouble) : undefined;
      if (afterMs === undefined) throw error;
      adopt = true;
      await pause(afterMs);
    }
    const { leftMs: patienceMs } = this.#patience;
    const opening = await this.#record.step('open', () => openSandbox({ ...input, adopt, patienceMs }));
    if (opening.deferred) throw new Error('An opening that has queued is not put off');
    return opening;
  }

  /** A sandbox that cannot be closed ends by its own timeout, so that does not change the verdict. */
  async #close(runId: string): Promise<void> {
    const { job, sandboxId } = this.#record;
    const input = { sandboxId, tags: { jobId: job.jobId, runId } };
    try {
      await this.#record.step('close', () => this.#activities.closeSandbox(input));
    } catch (error) {
      if (!(error instanceof StepTrouble) && !isCancellation(error)) throw error;
      log.warn('The sandbox could not be closed and is left to its timeout', { sandboxId });
    }
  }
}
