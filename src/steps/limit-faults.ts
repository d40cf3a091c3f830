import type { JobInput } from '../domain/job-input.ts';
import type { CodeFault } from '../domain/step-outcome.ts';

/** The time limit of a step was reached by `what`. */
export function timeoutFault(job: JobInput, what: string): CodeFault {
  const sentence = `${what} did not end within ${job.limits.timeoutMs} ms`;
  return { category: 'timeout', evidence: sentence, sentence };
}

/** `what` printed more than is kept. */
export function outputFault(what: string): CodeFault {
  const sentence = `${what} printed more than 64 MB and was stopped`;
  return { category: 'output', evidence: sentence, sentence };
}
