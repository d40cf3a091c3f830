import type { Category, Diagnosis } from './diagnosis.ts';
import type { StepName } from './job-result.ts';
import type { CodeFault } from './step-outcome.ts';
import { troubleRow } from './trouble.ts';
import type { Trouble } from './trouble.ts';

interface CodeAdvice {
  retryHelps: boolean;
  advice: string;
}

const stays = (advice: string): CodeAdvice => ({ retryHelps: false, advice });
const mayPass = (advice: string): CodeAdvice => ({ retryHelps: true, advice });

/** What to tell about each fault of the code. */
export const CODE_ADVICE: Partial<Record<Category, CodeAdvice>> = {
  syntax: stays('The code does not parse. Fix it at the line that the evidence names.'),
  import: stays('A module is missing. Use one that the template has, or a template that has this one.'),
  assertion: stays('A test does not hold. Compare what it expects with what the code gives.'),
  exception: stays('The code raised an error that nothing caught. The traceback shows where.'),
  timeout: mayPass(
    'The code did not end within `limits.timeoutMs`. Look for an endless loop or waiting; raise the limit if it needs longer.',
  ),
  memory: mayPass(
    'The code used more than `limits.memoryMb`. Work on the data in pieces, or raise the limit.',
  ),
  output: stays('The output is not what was asked for, or too much of it. Compare it with the expected one.'),
  network: stays('The code reached for the network. It is off unless `limits.internet` is true.'),
  coverage: stays(
    'The tests pass but cover less than the threshold. Add tests for the lines that the report names as missing.',
  ),
  forged: stays(
    'The code meddled with its own tests, so that their outcome cannot be trusted. Remove what the evidence shows.',
  ),
  policy: stays(
    'The validator does not let this code run. Change it as the findings say, or choose another policy.',
  ),
  cancelled: stays('The job was cancelled. Start it again if it is still wanted.'),
};

const NAME_OF_CODE = stays(
  'Tests of kind `script` run after the code with its names in scope and import nothing of it; `pytest` imports `solution`, `node` imports `./solution.js` or `./solution.ts`.',
);

/** The diagnosis of what the code did. */
export function diagnoseFault(fault: CodeFault): Diagnosis {
  const isOwnName = fault.category === 'import' && /['"/]solution(\.\w+)?['"]/.test(fault.evidence);
  const known = isOwnName ? NAME_OF_CODE : (CODE_ADVICE[fault.category] ?? stays('Look at the evidence.'));
  return { category: fault.category, evidence: fault.evidence, ...known };
}

const LOST_AT_START =
  'The sandbox service broke off while it started a sandbox. Look at its log or its status page.';

/** The diagnosis of what the world did, during which step. */
export function diagnoseTrouble(trouble: Trouble, step: StepName): Diagnosis {
  const row = troubleRow(trouble.type);
  const { category, retryable: retryHelps, advice } = row;
  // What is lost before it was there has failed to start.
  if (step === 'open' && category === 'sandbox-lost')
    return { category: 'sandbox-start', evidence: trouble.message, retryHelps, advice: LOST_AT_START };
  return { category, evidence: trouble.message, retryHelps, advice };
}
