import type { Finding } from '../domain/finding.ts';
import type { Language } from '../domain/language.ts';
import type { ValidationPolicy } from '../domain/validation-policy.ts';

/** What to validate. */
export interface ValidationRequest {
  readonly language: Language;
  readonly code: string;
  /** Default: `standard`. */
  readonly policy?: ValidationPolicy;
}

/** What the validator says. Columns of findings are UTF-16 units. */
export interface ValidationResult {
  readonly language: Language;
  /** The preset's name, or `custom (extends …)`. */
  readonly policy: string;
  /** False when a finding is an error; `isSyntaxError` helps to tell a syntax error from a rejection. */
  readonly accepted: boolean;
  /** In the order of the text. */
  readonly findings: Finding[];
}

/** True when the code is no program at all, which is a failure of the code and not a rejection. */
export function isSyntaxError(result: Pick<ValidationResult, 'findings'>): boolean {
  return result.findings.some((finding) => finding.rule === 'syntax' && finding.severity === 'error');
}
