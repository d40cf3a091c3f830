import { z } from 'zod';
import { FunctionName, headOf } from './imported-item.ts';
import type { ImportedItem, ImportOptions } from './imported-item.ts';

const Task = z.object({
  task_id: z.string().min(1),
  prompt: z.string(),
  entry_point: FunctionName,
  canonical_solution: z.string().optional(),
  test: z.string(),
});

/**
 * A line of HumanEval or HumanEval+. Samples are completions of the prompt, or whole solutions. Throws ZodError, and Error where there is no code.
 * Source: arXiv 2107.03374, 2305.01210.
 */
export function fromHumanEval(line: unknown, { sample, kind = 'script' }: ImportOptions = {}): ImportedItem {
  const { task_id, prompt, entry_point, canonical_solution, test } = Task.parse(line);
  const solution = sample?.code ?? canonical_solution;
  if (solution === undefined) throw new Error('has no canonical_solution; give samples');
  const tests =
    kind === 'script'
      ? `${test}\ncheck(${entry_point})\n`
      : `from solution import *\nfrom solution import ${entry_point}\n${test}\n\ndef test_solution():\n    check(${entry_point})\n`;
  return {
    ...headOf(task_id, sample),
    language: 'python',
    code: sample?.whole ? solution : prompt + solution,
    tests: { kind, code: tests },
  };
}
