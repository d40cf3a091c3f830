import { describeFaults, specFaults } from '../domain/spec-faults.ts';
import { CustomPolicy } from '../domain/validation-policy.ts';
import type { ValidationPolicy } from '../domain/validation-policy.ts';
import { UsageError } from './cli-error.ts';
import { parseJson } from './parse-json.ts';
import { readText } from './read-input.ts';

/** A policy of one's own from a JSON file. */
export async function readCustomPolicy(path: string): Promise<CustomPolicy> {
  const parsed = CustomPolicy.safeParse(parseJson(await readText(path, 'the policy'), path));
  if (!parsed.success) throw new UsageError(`${path}: ${describeFaults(specFaults(parsed.error))}`);
  await refuseUnknownRules(parsed.data, `${path}: rules`);
  return parsed.data;
}

/** A rule name that does not exist would be a rule silently not applied. */
export async function refuseUnknownRules(policy: ValidationPolicy, path: string): Promise<void> {
  const { resolvePolicy, UnknownRuleError } = await import('../validation/policy.ts');
  try {
    resolvePolicy(policy);
  } catch (error) {
    if (!(error instanceof UnknownRuleError)) throw error;
    throw new UsageError(`${path}.${error.rule}: ${error.message}`, { cause: error });
  }
}
