import type { JobInput } from '../domain/job-input.ts';
import type { ProcessDeath } from '../domain/fault-of-error.ts';
import type { CodeFault } from '../domain/step-outcome.ts';
import type { ProcessEnd } from './supervise.ts';

/** The time limit of a step was reached by `what`. */
export function timeoutFault(job: JobInput, what: string): CodeFault {
  const sentence = `${what} did not end within ${job.limits.timeoutMs} ms`;
  return { category: 'timeout', evidence: sentence, sentence };
}

/** A process that was killed while it held less than half of its memory was killed for something else, or by itself. */
export function deathOf({ code, signal, grownMb }: ProcessEnd, memoryMb: number): ProcessDeath {
  return {
    code: code ?? null,
    signal: signal ?? null,
    nearMemoryLimit: grownMb === undefined ? undefined : grownMb >= memoryMb / 2,
  };
}

/** `what` printed more than is kept. */
export function outputFault(what: string): CodeFault {
  const sentence = `${what} printed more than 64 MB and was stopped`;
  return { category: 'output', evidence: sentence, sentence };
}
