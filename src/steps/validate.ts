import type { JobInput } from '../domain/job-input.ts';
import type { ValidateOutcome } from '../domain/step-outcome.ts';
import { validateCode } from '../validation/validate-code.ts';
import { textOfContent } from '../store/content.ts';
import type { StepContext } from './step-context.ts';

/** A job's result carries no more findings than this; the errors come first. */
const MAX_FINDINGS = 200;

/** Reads the code without running it: a syntax error fails the job, a rule that it breaks rejects it. */
export async function validate(job: JobInput, context: StepContext): Promise<ValidateOutcome> {
  const code = await textOfContent(job.code, context.store);
  const { findings, accepted } = await validateCode({
    language: job.language,
    code,
    policy: job.validate.policy,
  });
  const errors = findings.filter((finding) => finding.severity === 'error');
  const kept = [...errors, ...findings.filter((finding) => finding.severity !== 'error')].slice(
    0,
    MAX_FINDINGS,
  );
  if (accepted) return { findings: kept };
  const syntax = errors.find((finding) => finding.rule === 'syntax');
  const first = syntax ?? errors[0];
  // The parsers' own messages begin with the line.
  const message = first && (syntax ? first.message : `line ${first.line}: ${first.message}`);
  const where = message ?? 'the validator did not accept the code';
  return syntax
    ? {
        findings: kept,
        verdict: 'failed',
        fault: { category: 'syntax', evidence: where, sentence: `The code does not parse: ${where}` },
      }
    : {
        findings: kept,
        verdict: 'rejected',
        fault: {
          category: 'policy',
          evidence: where,
          sentence: `The validator rejected the code: ${first?.rule ?? 'policy'}, ${where}`,
        },
      };
}
