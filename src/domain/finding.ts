import { z } from 'zod';

/** How much a finding weighs: an `error` rejects the code, the others are told. */
export const Severity = z.enum(['error', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

/** One thing that the validator saw in the code. Lines and columns count from 1; the end is exclusive. */
export const Finding = z.object({
  rule: z
    .string()
    .describe('Stable name of the rule, such as `no-process-spawn`; `syntax` for a syntax error'),
  severity: Severity,
  message: z.string().describe('One sentence: what was seen, and what to do instead'),
  line: z.number().int().min(1),
  column: z.number().int().min(1),
  endLine: z.number().int().min(1),
  endColumn: z.number().int().min(1),
});
export type Finding = z.infer<typeof Finding>;
