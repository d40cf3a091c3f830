import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const CASES = [
  { stdin: '1 2\n', stdout: '3' },
  { name: 'big', stdin: '10 20\n', stdout: '30\n\n' },
];

async function io(
  language: 'python' | 'javascript' | 'typescript' | 'bash',
  code: string,
  cases: { name?: string; stdin?: string; stdout: string }[] = CASES,
) {
  const sandbox = await sandboxes.create();
  const job = jobOf({ language, code, tests: { kind: 'io', cases }, limits: { timeoutMs: 4_000 } });
  const outcome = await runTests(sandbox, job, stepContext());
  await sandbox.kill();
  return outcome;
}

test.each([
  ['python', 'a, b = map(int, input().split())\nprint(a + b, " ")'],
  [
    'python',
    'import sys\nif __name__ == "__main__":\n    print(sum(map(int, sys.stdin.read().split())))\n    sys.exit(0)',
  ],
  [
    'javascript',
    "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number); console.log(a + b);",
  ],
  [
    'typescript',
    "import { readFileSync } from 'node:fs';\nconst [a, b]: number[] = readFileSync(0, 'utf8').split(' ').map(Number); console.log(a! + b!);",
  ],
  ['bash', 'read a b; echo $((a + b))'],
] as const)('%s: %s passes', { timeout: 30_000 }, async (language, code) => {
  const { fault, tests } = await io(language, code);
  expect(fault, JSON.stringify(tests)).toBeUndefined();
  expect(tests.cases.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['case 1', 'passed'],
    ['big', 'passed'],
  ]);
});

test.each([
  ['a wrong answer', 'print(3)', 'assertion', 'big: line 1: expected "30", got "3"'],
  ['an exception', 'raise ValueError("no")', 'exception', 'ValueError: no'],
  ['a failing exit', 'import sys\nprint(3)\nsys.exit(2)', 'exception', 'ended with exit code 2'],
  ['a loop', 'while True: pass', 'timeout', 'did not end within'],
  ['a kill of everything', 'import os\nos.kill(-1, 9)', 'forged', 'the runner was killed'],
  [
    'a child left behind',
    'import subprocess\nsubprocess.Popen(["sleep", "60"], start_new_session=True)\nprint(sum(map(int, input().split())))',
    'forged',
    'outlived',
  ],
])('%s fails', { timeout: 30_000 }, async (_, code, category, evidence) => {
  const { fault } = await io('python', code);
  expect(fault).toMatchObject({ category, evidence: expect.stringContaining(evidence) });
});

test('the expected output is nowhere in the sandbox', { timeout: 30_000 }, async () => {
  const secret = '7301854';
  const code = `import glob
found = []
for path in glob.glob('/proc/*/cmdline') + glob.glob('/home/user/**', recursive=True) + glob.glob('/tmp/**', recursive=True):
    try:
        if '${secret.slice(0, 3)}' + '${secret.slice(3)}' in open(path, errors='replace').read(): found.append(path)
    except OSError: pass
import gc
print([x for x in found if 'solution.py' not in x] or 'nothing')`;
  const { tests } = await io('python', code, [{ stdout: secret }]);
  expect(tests.cases[0]!.message).toBe(`line 1: expected "${secret}", got "nothing"`);
});
