import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import type {
  CloseSandboxInput,
  JobActivities,
  OpenSandboxInput,
  Timed,
} from '../../src/activities/contract.ts';
import type { JobInput } from '../../src/domain/job-input.ts';
import type { JobResult } from '../../src/domain/job-result.ts';
import { JobSpec } from '../../src/domain/job-spec.ts';
import type { CodeFault } from '../../src/domain/step-outcome.ts';
import type { TroubleType } from '../../src/domain/trouble.ts';
import { assayHome } from '../../src/home.ts';
import { createLogger, temporalLogger } from '../../src/worker/logger.ts';
import { WORKER_TUNING } from '../../src/worker/start-worker.ts';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';

/** What the scripted activities have been asked, in order, such as `open 1` or `close sandbox-1`. */
export type Calls = string[];
type Script = Partial<{ [Verb in keyof JobActivities]: (input: never, count: number) => unknown }>;

export function timed<T>(value: T): Timed<T> {
  return { value, startedAt: new Date().toISOString(), durationMs: 1 };
}

export function fault(category: CodeFault['category']): CodeFault {
  return { category, evidence: `evidence of ${category}`, sentence: `it ended by ${category}` };
}

/** What an activity throws for trouble that it does not try to outlast itself. */
export function trouble(type: TroubleType, message = `trouble ${type}`): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [{ type, message }] });
}

const text = { text: '', truncated: false, totalChars: 0 };
export const execution = { results: [], stdout: text, stderr: text };
export const tests = {
  kind: 'pytest',
  total: 1,
  passed: 1,
  failed: 0,
  skipped: 0,
  cases: [],
  casesTruncated: false,
  stdout: text,
  stderr: text,
};

/** Waits until the activity is cancelled, as a step does whose work never ends. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 200);
  return await context.cancelled.finally(() => clearInterval(beat));
}

function scripted(script: Script, calls: Calls): JobActivities {
  const counts = new Map<string, number>();
  const play = async <T>(
    verb: keyof JobActivities,
    what: string,
    input: unknown,
    usual: T,
  ): Promise<Timed<T>> => {
    const count = (counts.get(verb) ?? 0) + 1;
    counts.set(verb, count);
    calls.push(what);
    const answer = await script[verb]?.(input as never, count);
    return timed((answer ?? usual) as T);
  };
  return {
    validateCode: (job) => play('validateCode', 'validate', job, { findings: [] }),
    openSandbox: (input: OpenSandboxInput) =>
      play('openSandbox', `open ${input.tags.opening}`, input, {
        sandboxId: `sandbox-${input.tags.opening}`,
        adopted: false,
      }),
    executeCode: (input) => play('executeCode', `execute ${input.sandboxId}`, input, { execution }),
    runTests: (input) => play('runTests', `test ${input.sandboxId}`, input, { tests }),
    collectArtifacts: (input) =>
      play('collectArtifacts', `collect ${input.sandboxId}`, input, { artifacts: [] }),
    closeSandbox: (input: CloseSandboxInput) =>
      play('closeSandbox', `close ${input.sandboxId ?? 'by tag'}`, input, { closed: 1 }),
  };
}

export function jobInput(spec: Partial<JobSpec> = {}): JobInput {
  const parsed = JobSpec.parse({ language: 'python', code: 'x = 1', ...spec });
  const { key, language, validate, artifacts, limits, retry, template, labels } = parsed;
  const input = parsed.tests && { kind: parsed.tests.kind, source: { text: 'test' } };
  return {
    ...{ key, language, validate, artifacts, limits, retry, template, labels },
    ...{
      jobId: `job-${randomUUID()}`,
      indexed: false,
      code: { text: parsed.code },
      codeChars: parsed.code.length,
    },
    files: [],
    ...(input && { tests: input }),
  };
}

export interface ScriptedJob {
  calls: Calls;
  client: Client;
  handle: WorkflowHandle;
  result(): Promise<JobResult>;
}

/** Runs a job's real workflow on the real server, with activities that do as the script says. */
export async function withScriptedJob<T>(
  spec: Partial<JobSpec>,
  script: Script,
  use: (job: ScriptedJob) => Promise<T>,
): Promise<T> {
  if (!Runtime._instance)
    Runtime.install({ logger: temporalLogger(createLogger('fatal')), shutdownSignals: [] });
  const address = inject('temporalAddress');
  const taskQueue = `scripted-${randomUUID()}`;
  const calls: Calls = [];
  const connection = await NativeConnection.connect({ address });
  const clientConnection = await Connection.connect({ address });
  try {
    const worker = await Worker.create({
      connection,
      taskQueue,
      workflowBundle: await workflowBundle(assayHome()),
      activities: scripted(script, calls),
      ...WORKER_TUNING,
    });
    const client = new Client({ connection: clientConnection });
    const job = jobInput(spec);
    return await worker.runUntil(async () => {
      const handle = await client.workflow.start('agentJob', {
        taskQueue,
        workflowId: job.jobId,
        args: [job],
      });
      const outcome = await use({
        calls,
        client,
        handle,
        result: () => handle.result() as Promise<JobResult>,
      });
      await handle.terminate('the test is over').catch(() => undefined);
      return outcome;
    });
  } finally {
    await clientConnection.close();
    await connection.close();
  }
}

/** The result of such a job and what was called. */
export async function runScripted(
  spec: Partial<JobSpec>,
  script: Script = {},
): Promise<{ result: JobResult; calls: Calls }> {
  return await withScriptedJob(spec, script, async ({ result, calls }) => ({
    result: await result(),
    calls,
  }));
}
