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
  challenge_test_list: z.array(z.string()).optional(),
});

/** A line of MBPP, as it was published or sanitized. Throws ZodError, and Error where there is no code. Source: arXiv 2108.07732. */
export function fromMbpp(line: unknown, { sample, kind }: ImportOptions = {}): ImportedItem {
  const task = Task.parse(line);
  const code = sample?.completion ?? task.code;
  if (code === undefined) throw new Error('has no code; give samples');
  const tests = [
    ...(task.test_imports ?? []),
    ...(task.test_setup_code ? [task.test_setup_code] : []),
    ...task.test_list,
    ...(task.challenge_test_list ?? []),
  ].join('\n');
  return {
    ...headOf(`MBPP/${task.task_id}`, sample),
    language: 'python',
    code,
    tests: codeTests(tests, kind),
  };
}
