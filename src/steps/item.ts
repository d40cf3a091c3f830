import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import type { StepName, StepRecord } from '../domain/job-result.ts';
import type { Outcomes } from '../domain/job-result-of.ts';

import { collect } from './collect.ts';
import { execute } from './execute.ts';
import { runTests } from './run-tests.ts';
import type { Runner } from './runner.ts';
import type { StepContext } from './step-context.ts';
import { uploadFiles } from './work-folder.ts';

/** What the sandbox gave for one item of a batch. */
export interface ItemRun extends Outcomes {
  steps: StepRecord[];
}

/**
 * An item whose code may run, in a sandbox: tested where it has tests, which import or contain the code anyway, and executed where it has
 * none. Throws what the world did, as the steps do; `run` then holds what was done before.
 */
export async function runItem(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
  { run, runner }: { run: ItemRun; runner?: Runner | undefined },
): Promise<void> {
  if (job.tests) {
    if (job.tests.kind !== 'io' && job.files.length > 0) await uploadFiles(sandbox, job, context);
    run.tests = await noted(run, 'test', () => runTests(sandbox, job, context, runner));
  } else {
    run.execution = await noted(run, 'execute', () => execute(sandbox, job, context));
  }
  if (job.artifacts.length > 0)
    run.artifacts = await noted(run, 'collect', () => collect(sandbox, job, context));
}

async function noted<T extends object>(run: ItemRun, name: StepName, work: () => Promise<T>): Promise<T> {
  const startedAt = new Date().toISOString();
  const from = performance.now();
  const note = (outcome: StepRecord['outcome'], trouble?: string): void => {
    const durationMs = Math.round((performance.now() - from) * 10) / 10;
    run.steps.push({ name, startedAt, durationMs, outcome, ...(trouble !== undefined && { trouble }) });
  };
  try {
    const value = await work();
    note('fault' in value && value.fault ? 'failed' : 'ok');
    return value;
  } catch (error) {
    note('error', error instanceof Error ? error.message : String(error));
    throw error;
  }
}
