import type { PolicyPreset, ValidationPolicy } from '../domain/validation-policy.ts';
import { UsageError } from './cli-error.ts';

// Written out so that the usual case does without loading zod.
const PRESETS: Record<PolicyPreset, true> = { off: true, standard: true, strict: true };

/** A preset's name, or a JSON file with a policy of one's own. */
export async function readPolicy(value: string): Promise<ValidationPolicy> {
  if (isPreset(value)) return value;
  if (!value.endsWith('.json'))
    throw new UsageError(
      `--policy: there is no policy ${JSON.stringify(value)}; use one of ${Object.keys(PRESETS).join(', ')}, or a .json file with a policy of your own`,
    );
  const { readCustomPolicy } = await import('./custom-policy.ts');
  return readCustomPolicy(value);
}

function isPreset(value: string): value is PolicyPreset {
  return Object.hasOwn(PRESETS, value);
}
