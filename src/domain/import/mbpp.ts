import { z } from 'zod';
import { codeTests, headOf } from './imported-item.ts';
import type { ImportedItem, ImportOptions } from './imported-item.ts';

const Task = z.object({
  task_id: z.union([z.int(), z.string().min(1)]),
  code: z.string().optional(),
  test_list: z.array(z.string()).min(1),
  test_setup_code: z.string().optional(),
  /** The sanitized set has a list of imports in place of a set-up. */
  test_imports: z.array(z.string()).optional(),
  /** All tests of MBPP+ as one text. */
  test: z.string().min(1).optional(),
});

/**
 * A line of MBPP, as it was published or sanitized, or of MBPP+. The asserts that it calls challenging are no part of a score, as in the publication.
 * Throws ZodError, and Error where there is no code. Source: arXiv 2108.07732, 2305.01210.
 */
export function fromMbpp(line: unknown, { sample, kind }: ImportOptions = {}): ImportedItem {
  const task = Task.parse(line);
  const code = sample?.code ?? task.code;
  if (code === undefined) throw new Error('has no code; give samples');
  const tests = [
    ...(task.test_imports ?? []),
    ...(task.test_setup_code ? [task.test_setup_code] : []),
    ...(task.test === undefined ? task.test_list : [task.test]),
  ].join('\n');
  return {
    ...headOf(`MBPP/${task.task_id}`, sample),
    language: 'python',
    code,
    tests: codeTests(tests, kind),
  };
}
