import { setTimeout as sleep } from 'node:timers/promises';
import { Sandbox } from 'e2b';
import type { JobHandle } from '../client/job-handle.ts';
import type { JobResult } from '../domain/job-result.ts';
import { CliError } from './cli-error.ts';
import type { Connection } from './connection.ts';
import type { DemoJob } from './demo-jobs.ts';
import { demoSource } from './demo-jobs.ts';
import { EXIT } from './exit-codes.ts';
import { uploadFiles } from './input-files.ts';
import { patientSpec } from './patient-spec.ts';
import { readSpec } from './read-spec.ts';
import { givenUp } from './with-connection.ts';

/** How far into the step the sandbox is killed, in ms: the code is running by then. */
const KILL_AFTER_MS = 500;

/** Tells what a job is doing; what is remarkable is told without a terminal too. */
export type DemoTeller = (what: string, remarkable?: boolean) => void;

/** Runs a job of the demo, tells its steps, and kills its sandbox where that is the point. */
export async function runDemoJob(
  job: DemoJob,
  connection: Connection,
  { signal, tell }: { signal: AbortSignal; tell: DemoTeller },
): Promise<JobResult> {
  const source = demoSource(job);
  const { assay, stack } = connection;
  const spec = patientSpec(await readSpec(source.path, source.options), connection);
  const handle = await assay.jobs.start(await uploadFiles(spec, assay));
  const stop = () => void handle.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([followed(job, handle, stack, tell), givenUp(connection.failed)]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function followed(
  job: DemoJob,
  handle: JobHandle,
  stack: Connection['stack'],
  tell: DemoTeller,
): Promise<JobResult> {
  let killed: string | undefined;
  for await (const event of handle.watch()) {
    if (event.type === 'step-started')
      tell(killed ? `${event.step}, now that sandbox ${killed} is gone` : event.step);
    if (event.type === 'step-started' && event.step === 'execute' && job.killed && killed === undefined) {
      await sleep(KILL_AFTER_MS);
      killed = await killSandboxOf(handle, stack);
      tell(`killed sandbox ${killed}, as if its host had died`, true);
    }
    if (event.type === 'done') return event.result;
  }
  return handle.result();
}

/** Kills the sandbox that a job runs in, as any client of E2B could, and returns its id. */
async function killSandboxOf(handle: JobHandle, stack: Connection['stack']): Promise<string> {
  const { sandboxId } = await handle.status();
  const killed =
    sandboxId !== undefined &&
    stack?.sandbox !== undefined &&
    (await Sandbox.kill(sandboxId, { ...stack.sandbox }));
  if (!killed)
    throw new CliError('not-killed', `the sandbox of ${handle.jobId} could not be killed`, EXIT.error);
  return sandboxId;
}
