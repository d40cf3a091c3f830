import { Context } from '@temporalio/activity';
import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import type { CollectOutcome, ExecuteOutcome, TestOutcome, ValidateOutcome } from '../domain/step-outcome.ts';
import { whileAlive } from '../sandboxes/keep-alive.ts';
import type { Sandboxes } from '../sandboxes/sandboxes.ts';
import type { StepContext } from '../steps/step-context.ts';
import type { Store } from '../store/store.ts';
import type { InSandboxInput, JobActivities, Timed } from './contract.ts';
import { Room } from './room.ts';
import { toFailure } from './to-failure.ts';

/** What a job does to a sandbox; `src/steps` has them. */
export interface Steps {
  validate(job: JobInput, context: StepContext): Promise<ValidateOutcome>;
  execute(sandbox: Sandbox, job: JobInput, context: StepContext): Promise<ExecuteOutcome>;
  runTests(sandbox: Sandbox, job: JobInput, context: StepContext): Promise<TestOutcome>;
  collect(sandbox: Sandbox, job: JobInput, context: StepContext): Promise<CollectOutcome>;
}

export interface ActivityDependencies {
  store: Store;
  sandboxes: Sandboxes;
  steps: Steps;
  /** How many steps the worker does at once. */
  concurrency: number;
}

/** A worker that is silent for the heartbeat timeout counts as lost, so it speaks several times within it. */
const HEARTBEAT_EVERY_MS = 1_000;
/** A sandbox that cannot be closed within this ends by its own timeout. */
const CLOSE_PATIENCE_MS = 2_000;

/** The activities of a job, over these parts. */
export function createActivities(dependencies: ActivityDependencies): JobActivities {
  const { store, sandboxes, steps, concurrency } = dependencies;
  const room = new Room(concurrency);
  const inSandbox = async <T>(
    { sandboxId }: InSandboxInput,
    signal: AbortSignal,
    step: (sandbox: Sandbox, context: StepContext) => Promise<T>,
  ): Promise<T> => {
    const sandbox = await sandboxes.get(sandboxId);
    return await room.during(sandboxId, () =>
      whileAlive(sandboxes, sandbox, signal, (alive) => step(sandbox, { store, signal: alive })),
    );
  };

  return {
    validateCode: (job) => timed({}, (signal) => steps.validate(job, { store, signal })),

    openSandbox: ({ template, internet, tags, adopt, patienceMs }) =>
      timed({ patienceMs }, async (signal, tries) => {
        // What is not local has come through the queue.
        const queued = !Context.current().info.isLocal;
        if (!queued && !room.hasPlace()) return { deferred: true };
        const open = () => sandboxes.open({ template, internet, tags, adopt: adopt || tries > 1 });
        const opened = await room.opening(open, { queued });
        if (signal.aborted) {
          room.closed(opened.sandboxId);
          await sandboxes.close(opened.sandboxId);
          throw signal.reason;
        }
        return opened;
      }),

    executeCode: (input) =>
      timed({}, (signal) =>
        inSandbox(input, signal, (sandbox, context) => steps.execute(sandbox, input.job, context)),
      ),

    runTests: (input) =>
      timed({}, (signal) =>
        inSandbox(input, signal, (sandbox, context) => steps.runTests(sandbox, input.job, context)),
      ),

    collectArtifacts: (input) =>
      timed({ patienceMs: input.patienceMs, sameSandbox: true }, (signal) =>
        inSandbox(input, signal, (sandbox, context) => steps.collect(sandbox, input.job, context)),
      ),

    closeSandbox: ({ sandboxId, tags }) =>
      timed({ patienceMs: CLOSE_PATIENCE_MS }, async () => {
        if (sandboxId !== undefined) room.closed(sandboxId);
        const [known, unknown] = await Promise.all([
          sandboxId !== undefined && sandboxes.close(sandboxId),
          sandboxes.closeAllOf(tags, sandboxId),
        ]);
        return { closed: unknown + (known ? 1 : 0) };
      }),
  };
}

/** Runs an activity's work: heartbeats meanwhile, measures it, and turns what it throws into one failure. */
async function timed<T>(
  { patienceMs = 0, sameSandbox = false },
  work: (signal: AbortSignal, tries: number) => Promise<T>,
): Promise<Timed<T>> {
  const { info, cancellationSignal: signal, heartbeat } = Context.current();
  const startedAt = Date.now();
  const from = performance.now();
  // What it spent in the queue is nobody's trouble: it counts from the start of the first try, which each leaves to the next.
  const firstAt: number = info.isLocal ? info.scheduledTimestampMs : (info.heartbeatDetails ?? startedAt);
  if (!info.isLocal && patienceMs > 0) heartbeat(firstAt);
  const beat = info.isLocal ? undefined : setInterval(() => heartbeat(firstAt), HEARTBEAT_EVERY_MS);
  try {
    const value = await work(signal, info.attempt);
    const durationMs = Math.round((performance.now() - from) * 10) / 10;
    return { value, startedAt: new Date(startedAt).toISOString(), durationMs };
  } catch (error) {
    const waitedMs = Date.now() - firstAt;
    throw toFailure(error, { number: info.attempt, waitedMs, patienceMs, sameSandbox, signal });
  } finally {
    clearInterval(beat);
  }
}
