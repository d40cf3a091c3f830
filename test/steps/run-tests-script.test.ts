import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();

async function script(
  language: 'python' | 'javascript' | 'typescript' | 'bash',
  code: string,
  tests: string,
) {
  const sandbox = await sandboxes.create();
  const job = jobOf({ language, code, tests: { kind: 'script', code: tests }, limits: { timeoutMs: 5_000 } });
  const outcome = await runTests(sandbox, job, stepContext());
  expect(await sandbox.isRunning()).toBe(true);
  await sandbox.kill();
  return outcome;
}

test.each([
  ['python', 'def add(a, b): return a + b\nX = 4', 'assert add(1, 2) == 3\nassert X == 4'],
  [
    'javascript',
    'const add = (a, b) => a + b;',
    "const assert = require('node:assert');\nassert.equal(add(1, 2), 3);",
  ],
  [
    'javascript',
    'export const add = (a, b) => a + b;',
    "import assert from 'node:assert';\nassert.equal(await add(1, 2), 3);",
  ],
  [
    'typescript',
    'enum E { A }\nfunction add(a: number, b: number): number { return a + b + E.A; }',
    "import assert from 'node:assert';\nassert.equal(add(1, 2), 3);",
  ],
  ['bash', 'add() { echo $(($1 + $2)); }\nfalse', '[ "$(add 1 2)" = 3 ]'],
] as const)('%s: %s passes', { timeout: 30_000 }, async (language, code, tests) => {
  const { fault, tests: report } = await script(language, code, tests);
  expect(fault, JSON.stringify(report)).toBeUndefined();
  expect(report).toMatchObject({ total: 1, passed: 1, cases: [{ name: 'script', outcome: 'passed' }] });
});

test.each([
  ['python', 'x = 1', 'assert x == 2', 'assertion'],
  ['python', 'import os\nos._exit(0)', 'assert False', 'forged'],
  ['python', 'import sys\nsys.exit(0)', 'assert False', 'forged'],
  [
    'python',
    'import sys\nsys.audit("assay.tell", "done", "script", "passed", 1.0, "", "")\nsys.audit("assay.tell", "finish")',
    'assert False',
    'forged',
  ],
  ['javascript', 'const x = 1;', "require('node:assert').equal(x, 2);", 'assertion'],
  ['javascript', 'process.exit(0);', "throw new Error('x');", 'forged'],
  ['javascript', 'globalThis.__assayMark(); process.exit(0);', "throw new Error('x');", 'forged'],
  ['javascript', 'globalThis.__assayMark(); return;', "throw new Error('x');", 'forged'],
  ['typescript', 'process.exit(0);', "throw new Error('x');", 'forged'],
  ['bash', 'x=1', '[ "$x" = 2 ]', 'assertion'],
  ['bash', 'exit 0', 'false', 'forged'],
  ['bash', 'trap "exit 0" EXIT', 'false', 'forged'],
  ['bash', 'kill -9 $PPID', 'false', 'forged'],
  ['bash', 'exec true', 'false', 'forged'],
] as const)('%s: %s fails', { timeout: 30_000 }, async (language, code, tests, category) => {
  const { fault, tests: report } = await script(language, code, tests);
  expect(fault, JSON.stringify(report)).toMatchObject({ category });
});
