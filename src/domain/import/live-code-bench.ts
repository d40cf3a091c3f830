import { z } from 'zod';
import { headOf } from './imported-item.ts';
import type { ImportedItem, ImportOptions } from './imported-item.ts';

const Case = z.object({ input: z.string(), output: z.string(), testtype: z.string().default('stdin') });
/** A list, or one as JSON in a text, as the data set has it. */
const Cases = z.unknown().transform((value, context) => {
  const cases = z.array(Case).safeParse(typeof value === 'string' ? jsonOf(value) : value);
  if (cases.success) return cases.data;
  const packed =
    'must be cases, or JSON of cases; what is packed by pickle is not read, since that would run it';
  context.addIssue({ code: 'custom', message: packed });
  return z.NEVER;
});
const Task = z.object({
  question_id: z.union([z.int(), z.string().min(1)]),
  code: z.string().optional(),
  public_test_cases: Cases.prefault([]),
  private_test_cases: Cases.prefault([]),
});

/** A line in the form of LiveCodeBench's programs that read stdin. Throws ZodError, and Error where there is no code or no case. Source: arXiv 2403.07974. */
export function fromLiveCodeBench(line: unknown, { sample }: ImportOptions = {}): ImportedItem {
  const task = Task.parse(line);
  const code = sample?.completion ?? task.code;
  if (code === undefined) throw new Error('has no code; give samples');
  const cases = [...task.public_test_cases, ...task.private_test_cases];
  if (cases.length === 0) throw new Error('has no test cases');
  const other = cases.find(({ testtype }) => testtype !== 'stdin');
  if (other) throw new Error(`has cases of type ${other.testtype}; only stdin is known`);
  return {
    ...headOf(String(task.question_id), sample),
    language: 'python',
    code,
    tests: { kind: 'io', cases: cases.map(({ input, output }) => ({ stdin: input, stdout: output })) },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
