import { z } from 'zod';

/** An item of a batch as a known format makes it: a JobSpec with an id. */
export interface ImportedItem {
  id: string;
  /** Present where there are samples: those of one task share it. */
  group?: string;
  language: 'python';
  code: string;
  tests:
    | { kind: 'script' | 'pytest'; code: string }
    | { kind: 'io'; cases: { stdin: string; stdout: string }[] };
}

/** The name of a function of the code, which the tests call. */
export const FunctionName = z.string().regex(/^[\p{L}_][\p{L}\p{N}_]*$/u, 'must be the name of a function');

/** Code that was made for a task. */
export interface Sample {
  code: string;
  /** Whether the code is a whole solution, where the task has a prompt that could be completed. */
  whole: boolean;
  /** Among the samples of its task, counted from 0. */
  place: number;
}

export interface ImportOptions {
  /** Code to judge instead of the reference solution. Default: the reference solution, where the format has one */
  sample?: Sample | undefined;
  /** Kind of tests, where they are code. Default: script */
  kind?: 'script' | 'pytest' | undefined;
}

/** The id of a sample is that of its task with its place: `HumanEval/0#3`. */
export function headOf(task: string, sample: Sample | undefined): Pick<ImportedItem, 'id' | 'group'> {
  return sample ? { id: `${task}#${sample.place}`, group: task } : { id: task };
}

/** Tests that call what the code defines, as a script after the code or as a pytest module beside it. */
export function codeTests(code: string, kind: 'script' | 'pytest' = 'script'): ImportedItem['tests'] {
  if (kind === 'script') return { kind, code: `${code}\n` };
  const body = code.trim().replaceAll(/^(?=.)/gm, '    ');
  return { kind, code: `from solution import *\n\n\ndef test_solution():\n${body}\n` };
}
