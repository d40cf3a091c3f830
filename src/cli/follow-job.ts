import type { JobHandle } from '../client/job-handle.ts';
import type { JobResult } from '../domain/job-result.ts';
import type { InterruptedError } from './interrupt.ts';
import { Progress } from './progress.ts';

/** How long a cancelled job may take to free its sandbox before the command leaves, in ms. */
const CANCEL_PATIENCE_MS = 10_000;

export interface FollowOptions {
  /** Steps are shown unless this is set. */
  quiet?: boolean | undefined;
  /** What Ctrl-C does to the job: `cancel` for the one who started it, `leave` for a mere watcher. */
  onInterrupt: 'cancel' | 'leave';
}

/** Waits for a job's result and shows its steps meanwhile. Throws InterruptedError when the signal is aborted. */
export async function followJob(
  handle: JobHandle,
  signal: AbortSignal,
  options: FollowOptions,
): Promise<JobResult> {
  const result = watched(handle, options.quiet === true);
  const interrupted = Promise.withResolvers<never>();
  const onAbort = () =>
    void stopFollowing(handle, options.onInterrupt).then((what) =>
      interrupted.reject((signal.reason as InterruptedError).saying(what)),
    );
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([interrupted.promise, untilAborted(result, signal)]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function watched(handle: JobHandle, quiet: boolean): Promise<JobResult> {
  if (quiet) return handle.result();
  using progress = new Progress();
  progress.waiting('waiting for a worker');
  for await (const event of handle.watch()) {
    progress.show(event);
    if (event.type === 'done') return event.result;
  }
  return handle.result();
}

/** Once interrupted, how the job ends is the interruption's to tell. */
async function untilAborted(result: Promise<JobResult>, signal: AbortSignal): Promise<JobResult> {
  try {
    const value = await result;
    if (!signal.aborted) return value;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return new Promise(() => undefined);
}

async function stopFollowing(handle: JobHandle, what: FollowOptions['onInterrupt']): Promise<string> {
  if (what === 'leave') return `${handle.jobId} runs on`;
  process.stderr.write(`\nassay: cancelling ${handle.jobId}; Ctrl-C again leaves at once\n`);
  try {
    await handle.cancel();
    await Promise.race([
      handle.result().catch(() => undefined),
      new Promise((done) => setTimeout(done, CANCEL_PATIENCE_MS).unref()),
    ]);
    return `${handle.jobId} was cancelled`;
  } catch (error) {
    return `${handle.jobId} could not be cancelled: ${(error as Error).message}`;
  }
}
