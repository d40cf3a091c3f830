import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const ADD = 'from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n';

test('coverage is told by line, branch and file, and held to its thresholds', async () => {
  const sandbox = await sandboxes.create();
  const code =
    'def sign(n):\n    if n < 0:\n        return -1\n    if n == 0:\n        return 0\n    return 1\n';
  const tests = {
    kind: 'pytest' as const,
    code: 'from solution import sign\ndef test(): assert sign(3) == 1\n',
  };
  const strict = jobOf({
    language: 'python',
    code,
    tests: { ...tests, coverage: { lines: 80, branches: 50 } },
  });
  const { fault, tests: report } = await runTests(sandbox, strict, stepContext());
  expect(report.coverage).toEqual({
    lines: { covered: 4, total: 6, percent: 66.66 },
    branches: { covered: 2, total: 4, percent: 50 },
    files: [expect.objectContaining({ path: 'solution.py', missingLines: [3, 5] })],
  });
  expect(fault).toMatchObject({
    category: 'coverage',
    evidence: 'lines: 66.66 % (4 of 6), at least 80 % asked for',
  });
  const lenient = jobOf({ language: 'python', code, tests: { ...tests, coverage: { lines: 60 } } });
  expect((await runTests(sandbox, lenient, stepContext())).fault).toBeUndefined();
});

test.each([
  ['a wrong answer', 'def add(a, b): return a - b', ADD, 'assertion', 'test_add: assert -1 == 3'],
  ['an exception', 'def add(a, b): return 1 / 0', ADD, 'exception', 'ZeroDivisionError: division by zero'],
  [
    'a missing module',
    'import no_such_module\ndef add(a, b): return 3',
    ADD,
    'import',
    "ModuleNotFoundError: No module named 'no_such_module'",
  ],
  ['a missing function', 'def other(): pass', ADD, 'import', 'cannot import name'],
  ['an endless loop', 'def add(a, b):\n    while True: pass', ADD, 'timeout', 'test_add was running'],
  ['too much memory', 'def add(a, b): return len(bytearray(2_000_000_000))', ADD, 'memory', 'MemoryError'],
  [
    'the network',
    'import urllib.request\ndef add(a, b): return urllib.request.urlopen("http://example.com")',
    ADD,
    'network',
    'test_add: ',
  ],
  ['tests that do not parse', 'def add(a, b): return 3', 'def test_add(:\n', 'syntax', 'SyntaxError'],
  ['a file without tests', 'def add(a, b): return 3', 'x = 1\n', 'assertion', 'No test ran'],
])('%s fails with its category', { timeout: 60_000 }, async (_, code, tests, category, evidence) => {
  const sandbox = await sandboxes.create();
  const job = jobOf({
    language: 'python',
    code,
    tests: { kind: 'pytest', code: tests },
    limits: { timeoutMs: 3_000 },
  });
  const { fault } = await runTests(sandbox, job, stepContext());
  expect(fault).toMatchObject({ category, evidence: expect.stringContaining(evidence) });
  await sandbox.kill();
});

test('a process that is killed is out of memory only where it had grown', async () => {
  const kill = 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n';
  const grown = `held = bytearray(400 << 20)\nfor at in range(0, len(held), 4096): held[at] = 1\n${kill}`;
  const limits = { memoryMb: 512 };
  const categoryOf = async (code: string, tests: object): Promise<string | undefined> => {
    const job = jobOf({ language: 'python', code, tests, limits, validate: { policy: 'off' } } as never);
    return (await runTests(await sandboxes.create(), job, stepContext())).fault?.category;
  };
  const pytest = { kind: 'pytest', code: ADD };
  const io = { kind: 'io', cases: [{ stdin: '', stdout: 'x' }] };
  for (const tests of [pytest, io]) {
    expect(await categoryOf(kill, tests)).toBe('exception');
    expect(await categoryOf(grown, tests)).toBe('memory');
  }
});
