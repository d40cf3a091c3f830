import { diagnoseFault, diagnoseTrouble } from './diagnose.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { StepName, Verdict } from './job-result.ts';
import type { CodeFault } from './step-outcome.ts';
import type { Trouble } from './trouble.ts';

/** What an attempt came to. */
export interface Judgement {
  verdict: Verdict;
  /** What ended it, in one sentence. */
  ended: string;
  diagnosis?: Diagnosis | undefined;
}

/** What is known of an attempt when it has ended. Absent parts did not happen. */
export interface Evidence {
  validation?: { verdict?: 'rejected' | 'failed' | undefined; fault?: CodeFault | undefined } | undefined;
  execution?: { fault?: CodeFault | undefined } | undefined;
  tests?: { tests: { passed: number; total: number }; fault?: CodeFault | undefined } | undefined;
  trouble?: { step: StepName; trouble: Trouble } | undefined;
}

/**
 * The verdict of one attempt. A fault of the code is a verdict even where the world made trouble after it; trouble without a fault is
 * `error`; only what ran to its end without either has `passed`.
 */
export function judge(evidence: Evidence): Judgement {
  const { validation, execution, tests, trouble } = evidence;
  const fault = validation?.fault ?? execution?.fault ?? tests?.fault;
  if (fault) {
    const verdict = validation?.fault ? (validation.verdict ?? 'rejected') : 'failed';
    return { verdict, ended: fault.sentence, diagnosis: diagnoseFault(fault) };
  }
  if (trouble)
    return {
      verdict: 'error',
      ended: `Trouble in the step ${trouble.step}: ${trouble.trouble.message}`,
      diagnosis: diagnoseTrouble(trouble.trouble, trouble.step),
    };
  if (tests)
    return { verdict: 'passed', ended: `${tests.tests.passed} of ${tests.tests.total} tests passed` };
  if (execution) return { verdict: 'passed', ended: 'The code ran to its end' };
  return {
    verdict: 'error',
    ended: 'Nothing was executed or tested',
    diagnosis: diagnoseTrouble({ type: 'unknown', message: 'Nothing was executed or tested' }, 'execute'),
  };
}
