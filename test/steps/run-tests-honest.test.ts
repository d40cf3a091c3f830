import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const ADD = 'from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n';

/** Odd, and none of it meant to deceive. */
const HONEST: [name: string, code: string, tests: string][] = [
  [
    'prints a lot and uses logging',
    'import logging\nlogging.basicConfig(level=10)\ndef add(a, b):\n    logging.info("adding")\n    print("x" * 5000)\n    return a + b',
    ADD,
  ],
  [
    'patches time and puts it back within a call',
    'import time\ndef add(a, b):\n    old, time.time = time.time, lambda: 0\n    try:\n        return a + b + int(time.time())\n    finally:\n        time.time = old',
    ADD,
  ],
  [
    'patches a built-in that tests lean on and puts it back',
    'import builtins\ndef add(a, b):\n    old = builtins.len\n    builtins.len = lambda x: 7\n    try:\n        return a + b\n    finally:\n        builtins.len = old',
    ADD,
  ],
  [
    'replaces print for good',
    'import builtins\nbuiltins.print = lambda *a, **k: None\ndef add(a, b):\n    print("no")\n    return a + b',
    ADD,
  ],
  [
    'runs threads and processes and waits for them',
    'import threading, subprocess, multiprocessing, sys\ndef work(q): q.put(1)\ndef add(a, b):\n    t = threading.Thread(target=lambda: None); t.start(); t.join()\n    subprocess.run([sys.executable, "-c", "pass"], check=True)\n    with multiprocessing.Pool(2) as pool:\n        return sum(pool.map(int, [a, b]))',
    ADD,
  ],
  [
    'leaves a thread pool open',
    'from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(4)\ndef add(a, b): return pool.submit(lambda: a + b).result()',
    ADD,
  ],
  [
    'registers an exit handler',
    'import atexit\natexit.register(print, "bye")\ndef add(a, b): return a + b',
    ADD,
  ],
  [
    'looks at its caller',
    'import inspect, sys\ndef add(a, b):\n    assert inspect.currentframe().f_back is not None\n    sys._getframe(1).f_code.co_name\n    return a + b',
    ADD,
  ],
  [
    'makes classes by exec',
    'from collections import namedtuple\nfrom dataclasses import dataclass\nP = namedtuple("P", "a b")\n@dataclass\nclass Q:\n    a: int\nns = {}\nexec("def add(a, b): return a + b", ns)\nadd = ns["add"]',
    ADD,
  ],
  [
    'defines an __eq__ of its own',
    'class Money:\n    def __init__(self, n): self.n = n\n    def __eq__(self, o): return self.n == getattr(o, "n", o)\ndef add(a, b): return Money(a + b)',
    ADD,
  ],
  [
    'ends in a main guard',
    'import sys\ndef add(a, b): return a + b\nif __name__ == "__main__":\n    sys.exit(add(1, 2))',
    ADD,
  ],
  [
    'writes files as it works',
    'from pathlib import Path\ndef add(a, b):\n    Path("out").mkdir(exist_ok=True)\n    Path("out/a.txt").write_text("x")\n    return a + b',
    `${ADD}\ndef test_file(tmp_path):\n    (tmp_path / "x").write_text("y")\n    from pathlib import Path\n    assert Path("out/a.txt").read_text() == "x"\n`,
  ],
  [
    'is tested with everything that pytest has',
    'def add(a, b):\n    if a is None: raise ValueError("no")\n    return a + b',
    `import unittest
from unittest import mock
import pytest, math
from solution import add
import solution

@pytest.fixture
def one(): return 1

@pytest.fixture(scope="module", autouse=True)
def around():
    yield

@pytest.mark.parametrize("b,want", [(1, 2), (2, 3)], ids=["a::b", "c d"])
def test_params(one, b, want): assert add(one, b) == want

def test_raises():
    with pytest.raises(ValueError, match="no"): add(None, 1)

def test_approx(): assert add(0.1, 0.2) == pytest.approx(0.3)

def test_patched(monkeypatch, capsys):
    monkeypatch.setattr(solution, "add", lambda a, b: 9)
    print("captured")
    assert solution.add(1, 1) == 9 and "captured" in capsys.readouterr().out

@mock.patch("builtins.len", lambda x: 3)
def test_mocked(): assert len([]) == 3

@pytest.mark.skip(reason="later")
def test_later(): assert False

@pytest.mark.xfail
def test_wrong(): assert False

class TestGroup:
    def setup_method(self): self.x = 1
    def test_in_class(self): assert add(self.x, 1) == 2

class Case(unittest.TestCase):
    def setUp(self): self.y = 2
    def test_unit(self): self.assertEqual(add(self.y, 1), 3)
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(add(i, 1), i + 1)
`,
  ],
  [
    'uses numpy and pandas',
    'import numpy as np, pandas as pd\ndef add(a, b): return int(pd.Series(np.array([a, b])).sum())',
    `${ADD}\nimport numpy as np\ndef test_np(): np.testing.assert_allclose(add(1, 2), 3)\n`,
  ],
  [
    'uses asyncio',
    'import asyncio\nasync def slow(a, b):\n    await asyncio.sleep(0.01)\n    return a + b\ndef add(a, b): return asyncio.run(slow(a, b))',
    ADD,
  ],
  [
    'uses ctypes numbers and signals',
    'import ctypes, signal\nsignal.signal(signal.SIGALRM, lambda *a: None)\ndef add(a, b): return ctypes.c_int32(a + b).value',
    ADD,
  ],
];

test.each(HONEST)('code that %s passes', { timeout: 60_000 }, async (_, code, tests) => {
  const sandbox = await sandboxes.create();
  const job = jobOf({ language: 'python', code, tests: { kind: 'pytest', code: tests } });
  const { fault, tests: report } = await runTests(sandbox, job, stepContext());
  expect(fault, JSON.stringify(report)).toBeUndefined();
  expect(report.passed).toBeGreaterThan(0);
  expect(report.failed).toBe(0);
  await sandbox.kill();
});

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
