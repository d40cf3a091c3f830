import { LIMITS } from './budget.ts';
import { examineCode } from './examine-code.ts';
import { examineApart } from './examine-apart.ts';
import { resolvePolicy } from './policy.ts';
import type { ValidationRequest, ValidationResult } from './validation-result.ts';

export { isSyntaxError } from './validation-result.ts';
export type { ValidationRequest, ValidationResult } from './validation-result.ts';

/**
 * Reads code without running it and tells what is wrong with it: a syntax error, or what the policy's rules object to. It is a
 * filter in front of the sandbox, never a replacement for it. Long code is read in a process of its own, so that the caller's
 * event loop stays free and the memory comes back.
 * Throws UnknownRuleError when the policy names a rule that does not exist; whatever the code is, it answers.
 */
export async function validateCode(request: ValidationRequest): Promise<ValidationResult> {
  resolvePolicy(request.policy);
  const isLong = request.code.length > LIMITS.inlineChars && request.code.length <= LIMITS.codeChars;
  return isLong ? await examineApart(request) : await examineCode(request);
}
