import { z } from 'zod';
import { codeTests, FunctionName, headOf } from './imported-item.ts';
import type { ImportedItem, ImportOptions } from './imported-item.ts';
import { unpackText } from './packed-cases.ts';

const Case = z.object({
  input: z.string(),
  output: z.string(),
  testtype: z.enum(['stdin', 'functional']).default('stdin'),
});
/** A list, one as JSON in a text, or that packed: the data set has the latter two. */
const Cases = z.unknown().transform((value, context) => {
  const list = typeof value === 'string' ? (jsonOf(value) ?? jsonOf(unpackText(value))) : value;
  const cases = z.array(Case).safeParse(list);
  if (cases.success) return cases.data;
  const message =
    list === undefined
      ? 'must be cases, JSON of cases, or that packed as LiveCodeBench does'
      : cases.error.issues.map(({ path, message: why }) => [...path, why].join(': ')).join('; ');
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});
const Metadata = z
  .preprocess(
    (value) => (typeof value === 'string' ? jsonOf(value) : value),
    z.object({
      func_name: FunctionName.optional(),
    }),
  )
  .default({});
const Task = z.object({
  question_id: z.union([z.int(), z.string().min(1)]),
  code: z.string().optional(),
  public_test_cases: Cases.prefault([]),
  private_test_cases: Cases.prefault([]),
  metadata: Metadata,
});

/** A line of LiveCodeBench: programs that read stdin, and functions. Throws ZodError, and Error where there is no code or no case. Source: arXiv 2403.07974. */
export function fromLiveCodeBench(line: unknown, { sample, kind }: ImportOptions = {}): ImportedItem {
  const task = Task.parse(line);
  const code = sample?.code ?? task.code;
  if (code === undefined) throw new Error('has no code; give samples');
  const cases = [...task.public_test_cases, ...task.private_test_cases];
  const [first] = cases;
  if (!first) throw new Error('has no test cases');
  if (cases.some(({ testtype }) => testtype !== first.testtype))
    throw new Error('has cases of both types, stdin and functional');
  return {
    ...headOf(String(task.question_id), sample),
    language: 'python',
    code: PRELUDE + code,
    tests:
      first.testtype === 'stdin'
        ? { kind: 'io', cases: cases.map(({ input, output }) => ({ stdin: input, stdout: output })) }
        : codeTests(callsOf(task.metadata.func_name, cases), kind),
  };
}

/** The names that the contests' own judges, and so LiveCodeBench's, give a solution without an import. */
const STARS =
  'string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json builtins typing';
const PRELUDE = [
  ...STARS.split(' ').map((name) => `from ${name} import *`),
  'import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools, operator, io, sys, json',
  'sys.setrecursionlimit(50000)\n\n',
].join('\n');

/** Calls with a line of JSON an argument; a tuple is as good as a list. */
function callsOf(name: string | undefined, cases: z.infer<typeof Case>[]): string {
  if (name === undefined) throw new Error('has functional cases, and no metadata.func_name');
  const [inputs, outputs] = [cases.map(({ input }) => input.split('\n')), cases.map(({ output }) => output)];
  return [
    'import json',
    `inputs = json.loads(${JSON.stringify(JSON.stringify(inputs))})`,
    `outputs = json.loads(${JSON.stringify(JSON.stringify(outputs))})`,
    'for number, (arguments, output) in enumerate(zip(inputs, outputs)):',
    `    call = Solution().${name} if "Solution" in globals() else ${name}`,
    '    got = call(*[json.loads(argument) for argument in arguments])',
    '    got = list(got) if isinstance(got, tuple) else got',
    '    expected = json.loads(output)',
    '    assert got == expected, f"case {number}: {str(got)[:300]} != {str(expected)[:300]}"',
  ].join('\n');
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
