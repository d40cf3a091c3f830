import type { Verdict } from '../domain/job-result.ts';

/** What the process says with its exit code. `docs/cli.md` has the table. */
export const EXIT = {
  passed: 0,
  failed: 1,
  rejected: 2,
  error: 3,
  usage: 64,
  interrupted: 130,
  /** As a shell has it for what ends by SIGPIPE. */
  readerGone: 141,
} as const;

/** The exit code of a verdict: 0 passed, 1 failed, 2 rejected, 3 error. */
export function exitCodeOf(verdict: Verdict): number {
  return EXIT[verdict];
}
