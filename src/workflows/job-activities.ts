import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { JobActivities } from '../activities/contract.ts';
import type { JobInput } from '../domain/job-input.ts';

/** A worker that has said nothing for this long is taken for dead. */
const HEARTBEAT_TIMEOUT_MS = 10_000;
/** What a step may take beyond the code's own limit: files up, outputs down, a loaded machine. */
const STEP_MARGIN_MS = 60_000;
const COLLECT_TIMEOUT_MS = 300_000;
/** While a local activity runs the workflow hears of nothing, a cancellation least of all. */
const OPEN_AT_ONCE_TIMEOUT_MS = 3_000;
const OPEN_TIMEOUT_MS = 45_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** A job that has a sandbox goes before those that have none yet, of the levels 1 to 5. */
const HAS_SANDBOX = { priorityKey: 2 };
const HAS_NONE = { priorityKey: 4 };
/** Waits between tries are given by each failure; this holds only where a worker died and left none. */
const retryAtOnce = { initialInterval: 100, backoffCoefficient: 2, maximumInterval: 1_000 };
const onlyOnce = { maximumAttempts: 1 };

/** Opening comes twice: at once, as a local activity, and where that did not do, as one that may wait for long. */
export type JobVerbs = JobActivities & { openAtOnce: JobActivities['openSandbox'] };

/**
 * The activities as this job calls them. Short steps that can be repeated are local: they cost no round trip. Execute and test are
 * tried once each, because a second try would run in the leavings of the first; the workflow repeats them in a fresh sandbox.
 */
export function jobActivities(job: JobInput): JobVerbs {
  const name = `${job.language} code of ${job.codeChars} characters`;
  const stepTimeoutMs = job.limits.timeoutMs + STEP_MARGIN_MS;
  const tests = job.tests;

  const { validateCode } = proxyLocalActivities<JobActivities>({
    startToCloseTimeout: 30_000,
    retry: onlyOnce,
    summary: `Validate ${name}`,
  });
  const { closeSandbox } = proxyLocalActivities<JobActivities>({
    startToCloseTimeout: CLOSE_TIMEOUT_MS,
    retry: { ...retryAtOnce, maximumAttempts: 3 },
    summary: 'Close the sandbox',
  });
  const opening = `Open a sandbox of the template ${job.template}`;
  const { openSandbox: openAtOnce } = proxyLocalActivities<JobActivities>({
    startToCloseTimeout: OPEN_AT_ONCE_TIMEOUT_MS,
    retry: onlyOnce,
    summary: opening,
  });
  const { openSandbox } = proxyActivities<JobActivities>({
    startToCloseTimeout: OPEN_TIMEOUT_MS,
    priority: HAS_NONE,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    retry: retryAtOnce,
    // A sandbox that is being created must be known before it can be closed.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: opening,
  });
  // Closing the sandbox ends the work in it sooner than waiting for the worker to hear of the cancellation.
  const atWork = {
    priority: HAS_SANDBOX,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  };
  const { executeCode } = proxyActivities<JobActivities>({
    ...atWork,
    startToCloseTimeout: stepTimeoutMs,
    retry: onlyOnce,
    summary: `Execute ${name}`,
  });
  const { runTests } = proxyActivities<JobActivities>({
    ...atWork,
    startToCloseTimeout: stepTimeoutMs,
    retry: onlyOnce,
    summary: `Run the tests (${tests?.kind ?? 'none'})`,
  });
  const { collectArtifacts } = proxyActivities<JobActivities>({
    ...atWork,
    startToCloseTimeout: COLLECT_TIMEOUT_MS,
    retry: { ...retryAtOnce, maximumAttempts: 10 },
    summary: `Collect ${job.artifacts.join(', ')}`,
  });
  return { validateCode, openAtOnce, openSandbox, executeCode, runTests, collectArtifacts, closeSandbox };
}
