import { z } from 'zod';

/** Why a job did not pass. The first group is what the code did, the second the validator's, the third the world's. */
export const CODE_CATEGORIES = [
  'syntax',
  'import',
  'assertion',
  'exception',
  'timeout',
  'memory',
  'output',
  'network',
  'coverage',
  'forged',
] as const;
export const WORLD_CATEGORIES = [
  'sandbox-start',
  'sandbox-lost',
  'quota',
  'auth',
  'template',
  'storage',
  'unknown',
] as const;
export const CATEGORIES = [...CODE_CATEGORIES, 'policy', 'cancelled', ...WORLD_CATEGORIES] as const;
export const Category = z.enum(CATEGORIES);
export type Category = z.infer<typeof Category>;

export const Diagnosis = z.object({
  category: Category,
  evidence: z.string().describe('The line that shows it'),
  retryHelps: z.boolean().describe('Whether the same job may end otherwise when it is tried again'),
  advice: z.string().describe('One or two sentences: what to do'),
});
export type Diagnosis = z.infer<typeof Diagnosis>;
