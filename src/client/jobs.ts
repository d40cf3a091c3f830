import { randomUUID } from 'node:crypto';
import type { WorkflowStartOptions } from '@temporalio/client';
import type { JobInput } from '../domain/job-input.ts';
import type { JobResult } from '../domain/job-result.ts';
import type { JobSpec } from '../domain/job-spec.ts';
import { jobIdOf } from '../domain/job-id.ts';
import { KEYS } from '../domain/search-attributes.ts';
import type { Store } from '../store/store.ts';
import { JobHandle } from './job-handle.ts';
import { listJobs } from './job-list.ts';
import type { JobFilter, JobSummary } from './job-list.ts';
import { parseSpec, prepareJob } from './prepare-job.ts';
import type { Server } from './server.ts';
import { fromServer } from './server-errors.ts';
import { startOnce } from './start-once.ts';

export interface JobsParts {
  server: Server;
  store: Store;
  taskQueue: string;
  /** Whether the server knows Assay's search attributes. */
  indexed: Promise<boolean>;
}

/** Jobs on a server. */
export class Jobs {
  readonly #parts: JobsParts;

  constructor(parts: JobsParts) {
    this.#parts = parts;
  }

  /**
   * Starts a job. The same key again gives the job that is there, running or over, with the spec that it has. Where that one has no verdict about
   * the code, since it was cancelled, broken or ended in `error`, it runs anew with this spec; of several who ask for that at once only one
   * starts it, and all get its run. Throws InvalidSpecError before anything is started, StoreError, UnreachableServerError, ClientClosedError.
   */
  async start(spec: JobSpec): Promise<JobHandle> {
    const { server, store, indexed } = this.#parts;
    const parsed = parseSpec(spec);
    const jobId = jobIdOf(parsed.key, randomUUID);
    const input = await prepareJob(parsed, store, { jobId, indexed: await indexed });
    try {
      const runId = await server.call(() => startOnce(server.client, this.#startOptions(input)));
      return new JobHandle(server, jobId, { started: runId !== undefined, runId });
    } catch (error) {
      throw fromServer(error, server.place);
    }
  }

  /** Starts a job and waits for its result. Throws as `start` and `JobHandle.result` do. */
  async run(spec: JobSpec): Promise<JobResult> {
    const handle = await this.start(spec);
    return await handle.result();
  }

  /** A job by its id. Whether it exists shows with the first question to it. */
  get(jobId: string): JobHandle {
    return new JobHandle(this.#parts.server, jobId);
  }

  /** Jobs by filter, newest first. Throws UnreachableServerError, ClientClosedError. */
  async *list(filter: JobFilter = {}): AsyncGenerator<JobSummary, void, undefined> {
    const { server, indexed } = this.#parts;
    try {
      yield* server.iterate(listJobs(server.client, filter, await indexed));
    } catch (error) {
      throw fromServer(error, server.place);
    }
  }

  #startOptions(input: JobInput): WorkflowStartOptions {
    const { jobId, language, template, key, tests, codeChars, labels } = input;
    const labelled = Object.entries(labels).map(([name, value]) => `- ${name}: ${value}`);
    return {
      taskQueue: this.#parts.taskQueue,
      workflowId: jobId,
      args: [input],
      staticSummary: `${language} code of ${codeChars} characters${tests ? `, ${tests.kind} tests` : ''}`,
      staticDetails: [`- template: ${template}`, ...(key ? [`- key: ${key}`] : []), ...labelled].join('\n'),
      memo: { language, template },
      ...(input.indexed && {
        typedSearchAttributes: [
          { key: KEYS.language, value: language },
          { key: KEYS.template, value: template },
          ...(input.batch === undefined ? [] : [{ key: KEYS.batch, value: input.batch }]),
        ],
      }),
    };
  }
}
