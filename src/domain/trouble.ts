import type { Category } from './diagnosis.ts';

/** What a kind of trouble means: one row of the table. Waits are in ms. */
export interface TroubleRow {
  category: Category;
  /** Whether it may pass by itself. */
  retryable: boolean;
  /** Wait before the second try; it doubles with each further one. */
  initialWaitMs: number;
  maximumWaitMs: number;
  /** Tries in all, the first one included. */
  maximumTries: number;
  /** Whether the sandbox itself is spent, so that even a step that can be repeated begins again in a fresh one. */
  freshSandbox: boolean;
  advice: string;
}

const never = { retryable: false, initialWaitMs: 0, maximumWaitMs: 0, maximumTries: 1 };

/**
 * The world's troubles: everything that keeps a job from a verdict without being the code's doing. The names are the stable
 * `type` of the ApplicationFailure that carries them. They are retried under this table and never count as an attempt of the code.
 */
export const TROUBLES = {
  'rate-limited': {
    category: 'quota',
    retryable: true,
    initialWaitMs: 1_000,
    maximumWaitMs: 30_000,
    maximumTries: 30,
    freshSandbox: false,
    advice:
      'The account creates sandboxes faster than its plan allows. Run fewer jobs at once, or raise the limit.',
  },
  'quota-exceeded': {
    category: 'quota',
    retryable: true,
    initialWaitMs: 2_000,
    maximumWaitMs: 30_000,
    maximumTries: 20,
    freshSandbox: false,
    advice:
      'All sandboxes of the account are in use. Wait for others to end, close forgotten ones, or raise the limit.',
  },
  'service-busy': {
    category: 'sandbox-start',
    retryable: true,
    initialWaitMs: 1_000,
    maximumWaitMs: 15_000,
    maximumTries: 20,
    freshSandbox: false,
    advice:
      'The sandbox service has no room at the moment. It was tried again until the time for it was used up; try later.',
  },
  'service-failed': {
    category: 'sandbox-start',
    retryable: true,
    initialWaitMs: 500,
    maximumWaitMs: 10_000,
    maximumTries: 8,
    freshSandbox: true,
    advice: 'The sandbox service answered with an error of its own. Look at its log or its status page.',
  },
  'service-unreachable': {
    category: 'sandbox-start',
    retryable: true,
    initialWaitMs: 250,
    maximumWaitMs: 5_000,
    maximumTries: 30,
    freshSandbox: false,
    advice:
      'Nothing answers at the address of the sandbox service. Is it running, and are E2B_API_URL and E2B_SANDBOX_URL right?',
  },
  'transport-timeout': {
    category: 'sandbox-lost',
    retryable: true,
    initialWaitMs: 250,
    maximumWaitMs: 5_000,
    maximumTries: 5,
    freshSandbox: true,
    advice: 'The sandbox service did not answer in time. It is overloaded, or the network between is bad.',
  },
  'sandbox-lost': {
    category: 'sandbox-lost',
    retryable: true,
    initialWaitMs: 100,
    maximumWaitMs: 5_000,
    maximumTries: 5,
    freshSandbox: true,
    advice:
      'Sandboxes went away while the job ran in them. If it happens again, look at their memory and at the log of the sandbox service.',
  },
  'stream-lost': {
    category: 'sandbox-lost',
    retryable: true,
    initialWaitMs: 100,
    maximumWaitMs: 5_000,
    maximumTries: 5,
    freshSandbox: true,
    advice:
      'The connection to the sandbox broke while the code ran. Look at the network, proxies with short limits above all.',
  },
  'host-disk-full': {
    category: 'storage',
    retryable: true,
    initialWaitMs: 1_000,
    maximumWaitMs: 30_000,
    maximumTries: 4,
    freshSandbox: true,
    advice: 'The disk under the sandboxes is full. Make room on it, or give the template a larger one.',
  },
  'bad-key': {
    ...never,
    category: 'auth',
    freshSandbox: false,
    advice: 'The sandbox service refused the key. Set E2B_API_KEY to a valid one and restart the worker.',
  },
  'unknown-template': {
    ...never,
    category: 'template',
    freshSandbox: false,
    advice: 'There is no such template. Use one that exists, or build this one first.',
  },
  'broken-template': {
    ...never,
    category: 'template',
    freshSandbox: false,
    advice: 'The template is there, but it does not load. Mend it as the evidence says, or use another one.',
  },
  'unfit-template': {
    ...never,
    category: 'template',
    freshSandbox: false,
    advice:
      'The template lacks the interpreter by which jobs run. Use `default`, or a template that is built from it.',
  },
  'no-internet': {
    ...never,
    category: 'sandbox-start',
    freshSandbox: false,
    advice:
      'The sandbox server lets no sandbox reach the internet. Start it with `--internet` (`assay dev`) or `--allow-internet` (`assay sandbox serve`), or leave `limits.internet` out.',
  },
  'bad-request': {
    ...never,
    category: 'unknown',
    freshSandbox: false,
    advice:
      'The sandbox service does not accept the request. Its version and that of Assay may not fit together.',
  },
  'invalid-item': {
    ...never,
    category: 'unknown',
    freshSandbox: false,
    advice: 'The item is no valid job, so nothing of it ran. Mend its line and run the batch again.',
  },
  'store-missing': {
    ...never,
    category: 'storage',
    freshSandbox: false,
    advice:
      'A part of the job is no longer in the store. Client and worker must use the same store (ASSAY_STORE); start the job again.',
  },
  'store-damaged': {
    ...never,
    category: 'storage',
    freshSandbox: false,
    advice:
      'A part of the job lies damaged in the store: its bytes do not fit its hash. Start the job again.',
  },
  'store-failed': {
    category: 'storage',
    retryable: true,
    initialWaitMs: 500,
    maximumWaitMs: 10_000,
    maximumTries: 10,
    freshSandbox: false,
    advice: 'The store cannot be read or written. Check its URL (ASSAY_STORE), its disk and its permissions.',
  },
  'worker-lost': {
    category: 'unknown',
    retryable: true,
    initialWaitMs: 0,
    maximumWaitMs: 5_000,
    maximumTries: 5,
    freshSandbox: true,
    advice:
      'The worker that ran the step went away. If it happens again with this job only, look at the memory of the worker.',
  },
  'worker-stopped': {
    category: 'unknown',
    retryable: true,
    initialWaitMs: 0,
    maximumWaitMs: 1_000,
    maximumTries: 20,
    freshSandbox: true,
    advice: 'Workers were stopped while they ran the step. Give them a longer time to drain.',
  },
  'step-timeout': {
    category: 'unknown',
    retryable: true,
    initialWaitMs: 1_000,
    maximumWaitMs: 5_000,
    maximumTries: 2,
    freshSandbox: true,
    advice:
      'The step did not end within its time limit and a wide margin, although the worker was alive. Look at the load of the worker.',
  },
  'gave-up': {
    ...never,
    category: 'unknown',
    freshSandbox: false,
    advice: 'Trouble lasted longer than `retry.worldTimeoutMs`. Start the job again when it is over.',
  },
  unknown: {
    category: 'unknown',
    retryable: true,
    initialWaitMs: 500,
    maximumWaitMs: 5_000,
    maximumTries: 3,
    freshSandbox: true,
    advice:
      'Something happened that Assay does not know. The evidence has its message and the log of the worker the rest.',
  },
} as const satisfies Record<string, TroubleRow>;

export type TroubleType = keyof typeof TROUBLES;

/** One case of trouble. */
export interface Trouble {
  type: TroubleType;
  /** The message of the error that showed it. */
  message: string;
  /** What the service itself asked for, in ms, where it did. */
  retryAfterMs?: number | undefined;
}

export function isTroubleType(type: unknown): type is TroubleType {
  return typeof type === 'string' && Object.hasOwn(TROUBLES, type);
}

export function troubleRow(type: TroubleType): TroubleRow {
  return TROUBLES[type];
}

export type TroubleStep = { do: 'give-up' } | { do: 'retry'; afterMs: number };

/** What to do after the `tries`-th try (counted from 1) that ended in this trouble. */
export function afterTrouble(trouble: Trouble, tries: number): TroubleStep {
  const row = troubleRow(trouble.type);
  if (!row.retryable || tries >= row.maximumTries) return { do: 'give-up' };
  const doubled = row.initialWaitMs * 2 ** Math.min(tries - 1, 30);
  return { do: 'retry', afterMs: Math.max(Math.min(doubled, row.maximumWaitMs), trouble.retryAfterMs ?? 0) };
}
