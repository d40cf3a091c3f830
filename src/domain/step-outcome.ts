import type { Category } from './diagnosis.ts';
import type { Finding } from './finding.ts';
import type { Artifact, Execution, TestReport } from './job-result.ts';

/** A fault of the code, found by a step. A fault of the world is thrown instead. */
export interface CodeFault {
  category: Category;
  /** The line that shows it. */
  evidence: string;
  /** What ended the step, in one sentence. */
  sentence: string;
}

/** What the steps give back: data, and the fault of the code where there is one. */
export interface ExecuteOutcome {
  execution: Execution;
  fault?: CodeFault | undefined;
}
export interface TestOutcome {
  tests: TestReport;
  fault?: CodeFault | undefined;
}
export interface CollectOutcome {
  artifacts: Artifact[];
  /** How many matching files were left out, over the caps. Absent where none. */
  omitted?: number | undefined;
}
export interface ValidateOutcome {
  findings: Finding[];
  /** Absent where the code is accepted: `rejected` by the policy, `failed` for a syntax error. */
  verdict?: 'rejected' | 'failed' | undefined;
  fault?: CodeFault | undefined;
}
