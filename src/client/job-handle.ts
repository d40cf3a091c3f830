import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import {
  CancelledFailure,
  TerminatedFailure,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { JobResult } from '../domain/job-result.ts';
import type { JobStatus } from '../domain/job-result.ts';
import { StoreError } from '../store/store-error.ts';
import { Ending } from './ending.ts';
import { JobBrokenError, JobCancelledError, JobNotFoundError, ResultUnreadableError } from './errors.ts';
import { EventTeller, statusOfResult } from './job-events.ts';
import type { JobEvent } from './job-events.ts';
import type { Server } from './server.ts';
import { fromServer, isUnreachable } from './server-errors.ts';

/** How long a server that went away is waited for while a result is awaited, in ms. */
const OUTAGE_MS = 120_000;
/** How long a worker may take to answer a status query, in ms. */
const QUERY_TIMEOUT_MS = 5_000;
const POLL_LEAST_MS = 100;
const POLL_MOST_MS = 1_000;

/** A job on the server, running or over. */
export class JobHandle {
  readonly jobId: string;
  /** Whether this call started the job, or found it there by its key. */
  readonly started: boolean;
  readonly #server: Server;
  readonly #handle: WorkflowHandle;

  constructor(
    server: Server,
    jobId: string,
    { started = false, runId = undefined as string | undefined } = {},
  ) {
    this.jobId = jobId;
    this.started = started;
    this.#server = server;
    this.#handle = server.client.workflow.getHandle(jobId, runId);
  }

  /**
   * Waits for the end. A verdict of any kind is a result; throws JobCancelledError, JobBrokenError, JobNotFoundError,
   * ResultUnreadableError, UnreachableServerError, ClientClosedError. A server that restarts meanwhile is waited for.
   */
  async result(): Promise<JobResult> {
    let outageEndsAt: number | undefined;
    for (;;) {
      try {
        return this.#read(await this.#server.call(() => this.#handle.result()));
      } catch (error) {
        if (!isUnreachable(error)) throw this.#errorOf(error);
        outageEndsAt ??= Date.now() + OUTAGE_MS;
        if (Date.now() > outageEndsAt) throw this.#errorOf(error);
        await sleep(POLL_MOST_MS);
      }
    }
  }

  /** What it is doing now. Throws JobNotFoundError, UnreachableServerError, ClientClosedError. */
  async status(): Promise<JobStatus> {
    const { status } = await this.#server
      .call(() => this.#handle.describe())
      .catch((error: unknown) => {
        throw this.#errorOf(error);
      });
    if (status.name === 'COMPLETED') return statusOfResult(await this.result());
    if (status.name !== 'RUNNING') return this.#bare(status.name === 'CANCELLED' ? 'cancelled' : 'broken');
    return (await this.#query()) ?? this.#bare('running');
  }

  /** Its steps as they start and end, and last its result. Throws as `result` does. */
  async *watch(): AsyncGenerator<JobEvent, void, undefined> {
    const teller = new EventTeller();
    const end = this.result();
    const ending = new Ending(end);
    for (let waitMs = POLL_LEAST_MS; ; waitMs = Math.min(waitMs * 1.5, POLL_MOST_MS)) {
      await ending.pause(waitMs);
      if (ending.over) return yield* teller.end(await end);
      const status = await ending.before(this.#query());
      const news = status ? teller.news(status) : [];
      if (news.length > 0) waitMs = POLL_LEAST_MS;
      yield* news;
    }
  }

  /** Asks the job to stop; its sandbox is closed within seconds. A job that is over stays as it is. Throws JobNotFoundError. */
  async cancel(): Promise<void> {
    try {
      await this.#server.call(() => this.#handle.cancel());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError && (await this.#exists())) return;
      throw this.#errorOf(error);
    }
  }

  async #exists(): Promise<boolean> {
    return await this.#server
      .call(() => this.#handle.describe())
      .then(
        () => true,
        () => false,
      );
  }

  /** Undefined where no worker answers. */
  async #query(): Promise<JobStatus | undefined> {
    try {
      const { connection } = this.#server.client;
      return await this.#server.call(() =>
        connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => this.#handle.query<JobStatus>('status')),
      );
    } catch {
      return undefined;
    }
  }

  #bare(state: JobStatus['state']): JobStatus {
    return {
      jobId: this.jobId,
      state,
      attempt: 0,
      step: state === 'running' ? 'waiting' : 'done',
      steps: [],
    };
  }

  #read(result: unknown): JobResult {
    const parsed = JobResult.safeParse(result);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new ResultUnreadableError(this.jobId, `${issue?.path.join('.')}: ${issue?.message}`, {
      cause: parsed.error,
    });
  }

  #errorOf(error: unknown): unknown {
    const { jobId } = this;
    const options = { cause: error };
    if (error instanceof WorkflowNotFoundError) return new JobNotFoundError(jobId, options);
    if (error instanceof WorkflowFailedError) {
      if (error.cause instanceof CancelledFailure) return new JobCancelledError(jobId, options);
      const why =
        error.cause instanceof TerminatedFailure
          ? 'it was terminated'
          : (error.cause?.message ?? error.message);
      return new JobBrokenError(jobId, why, options);
    }
    if (error instanceof StoreError) return new ResultUnreadableError(jobId, error.message, options);
    return fromServer(error, this.#server.place);
  }
}
