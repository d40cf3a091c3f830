import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const TESTS = `import solution
from solution import add

def test_add():
    assert add(1, 2) == 3

def test_second():
    assert isinstance(add(2, 2), int)
    assert add(2, 2) == 4
`;

/** Wrong code that would like to pass; each is \`failed\`, most of them as \`forged\`. */
const FORGERIES: [name: string, code: string, category: string, tests?: string][] = [
  ['ends the process at import with success', 'import os\nos._exit(0)', 'forged'],
  ['calls sys.exit(0) at import', 'import sys\nsys.exit(0)', 'forged'],
  ['ends the process within a test', 'import os\ndef add(a, b):\n    os._exit(0)', 'forged'],
  ['raises SystemExit(0) within a test', 'def add(a, b):\n    raise SystemExit(0)', 'exception'],
  [
    'patches the outcome of a report',
    `import _pytest.reports, _pytest.runner
_old = _pytest.reports.TestReport.from_item_and_call.__func__
def _new(cls, item, call):
    call.excinfo = None
    return _old(cls, item, call)
_pytest.reports.TestReport.from_item_and_call = classmethod(_new)
def add(a, b): return 0`,
    'forged',
  ],
  [
    'replaces the call of a test',
    'import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\ndef add(a, b): return 0',
    'forged',
  ],
  [
    'rewrites the code of a framework function',
    'import _pytest.runner as r\nr.check_interactive_exception.__code__ = (lambda call, report: False).__code__\ndef add(a, b): return 0',
    'forged',
  ],
  [
    'rewrites the test file at import',
    `import os
os.remove('test_solution.py')
open('test_solution.py', 'w').write('def test_add(): pass\\ndef test_second(): pass\\n')
def add(a, b): return 0`,
    'forged',
  ],
  [
    'replaces the test functions from within a test',
    `import sys
def add(a, b):
    sys.modules['test_solution'].test_second = lambda: None
    return a + b if (a, b) == (1, 2) else 0`,
    'forged',
  ],
  [
    'prints a fake report',
    `import sys, json
for fd in (1, 2):
    import os
    os.write(fd, b'{"news": ["collected", ["test_add", "test_second"]]}\\n{"news": ["done", "test_add", "passed", 1, "", ""]}\\n{"news": ["done", "test_second", "passed", 1, "", ""]}\\n{"news": ["finish"]}\\n{"end": {"why": "exit", "code": 0}}\\n')
print('2 passed in 0.01s')
os._exit(0)`,
    'forged',
  ],
  [
    'writes to every descriptor that it finds',
    `import os
for fd in range(3, 300):
    try:
        os.write(fd, b"x 0 ('done', 'test_add', 'passed', 1.0, '', '')\\n")
    except OSError:
        pass
def add(a, b): return 0`,
    'forged',
  ],
  [
    'calls the reporter that it finds on the stack',
    `import sys
def add(a, b):
    sys.audit('assay.tell', 'done', 'test_add', 'passed', 1.0, '', '')
    return 0`,
    'forged',
  ],
  [
    'looks for the secret among all objects',
    'import gc\nfound = [o for o in gc.get_objects() if callable(o)]\ndef add(a, b): return 0',
    'forged',
  ],
  [
    'opens its own memory',
    "try:\n    open('/proc/self/mem', 'rb')\nexcept OSError:\n    pass\ndef add(a, b): return 0",
    'forged',
  ],
  ['sets a trace function', 'import sys\nsys.settrace(lambda *a: None)\ndef add(a, b): return 0', 'forged'],
  [
    'replaces isinstance',
    'import builtins\nbuiltins.isinstance = lambda a, b: True\nclass Anything:\n    def __eq__(self, other): return True\ndef add(a, b): return Anything()',
    'forged',
  ],
  [
    'replaces a module that tests use',
    "import sys, types\nsys.modules['operator'] = types.ModuleType('operator')\ndef add(a, b): return 0",
    'forged',
  ],
  ['skips the tests', "import pytest\ndef add(a, b):\n    pytest.skip('not today')", 'forged'],
  ['skips the whole file', "import pytest\npytest.skip('not today', allow_module_level=True)", 'forged'],
  [
    'calls a test an expected failure',
    "import pytest\ndef add(a, b):\n    pytest.xfail('so be it')",
    'forged',
  ],
  [
    'hands the end over to a child that outlives its parent',
    `import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(30)
    os._exit(0)
def add(a, b): return a + b`,
    'forged',
  ],
  [
    'leaves an exit handler that writes late news',
    `import atexit, os
def late():
    for fd in range(3, 300):
        try:
            os.write(fd, b"late\\n")
        except OSError:
            pass
    os._exit(0)
atexit.register(late)
def add(a, b): return a + b`,
    'forged',
  ],
  [
    'kills every process that it can',
    'import os, signal\nos.kill(-1, signal.SIGKILL)\ndef add(a, b): return 0',
    'forged',
  ],
  [
    'kills its parent',
    'import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(1)\ndef add(a, b): return 0',
    'forged',
  ],
  [
    "reads its parent's memory",
    "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb+')\ndef add(a, b): return 0",
    'forged',
  ],
  [
    'leaves a conftest.py behind',
    "open('conftest.py', 'w').write('def pytest_pyfunc_call(pyfuncitem): return True')\ndef add(a, b): return 0",
    'assertion',
  ],
  ['segfaults', 'import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)', 'exception'],
];

test.each(FORGERIES)('code that %s fails', { timeout: 60_000 }, async (_, code, category, tests = TESTS) => {
  const sandbox = await sandboxes.create();
  const job = jobOf({ language: 'python', code, tests: { kind: 'pytest', code: tests } });
  const { fault } = await runTests(sandbox, job, stepContext());
  expect(fault, 'it passed').toBeDefined();
  expect(fault).toMatchObject({ category });
  expect(await sandbox.isRunning()).toBe(true);
  await sandbox.kill();
});
