import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Runner, PRELOAD_NAME, preloadProgram } from '../../src/steps/runner.ts';
import { runTests } from '../../src/steps/run-tests.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import type { TestSandboxServer } from '../support/sandbox-server.ts';
import { jobOf, stepContext } from './support.ts';

let folder: string;
let server: TestSandboxServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-runner-'));
  const program = join(folder, PRELOAD_NAME);
  writeFileSync(program, preloadProgram());
  server = await startTestSandboxServer({ args: ['--preload', program] });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function openShared(): Promise<{ sandbox: Sandbox; runner: Runner }> {
  const options = { apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url };
  const sandbox = await Sandbox.create('default', { ...options, timeoutMs: 120_000 });
  return { sandbox, runner: await Runner.open(sandbox, stepContext(), { shared: true, pytest: true }) };
}

const script = (code: string, tests = 'assert True') =>
  jobOf({ language: 'python', code, tests: { kind: 'script', code: tests }, limits: { timeoutMs: 5_000 } });

test('the sandbox has the runners from its template', async () => {
  const { sandbox } = await openShared();
  const { text } = await sandbox.runCode(
    "import sys; (len(list(sys.modules['assay_runners'].SPACES.values())[0]['sessions']), len([f for f in sys.meta_path if 'pytest' in repr(f)]))",
  );
  expect(text, 'a prepared session, and nothing of it in the way of others').toBe('(1, 0)');
  await sandbox.kill();
});

describe('many items in one sandbox', () => {
  const leavings: Record<string, string> = {
    'a file in the working folder': "open('left.txt', 'w').write('x')",
    'a file at home': "import os; open(os.path.expanduser('~/left.txt'), 'w').write('x')",
    'a hidden folder that denies itself':
      "import os; os.makedirs('/tmp/.left/deep'); open('/tmp/.left/deep/f', 'w'); os.chmod('/tmp/.left', 0)",
    'shared memory': "open('/dev/shm/left', 'w').write('x')",
    'a link to a folder': "import os; os.symlink('/usr', '/tmp/left')",
    'a patched module': 'import math; math.pi = 3; import sys; sys.left = 1',
    'a variable of the environment': "import os; os.environ['LEFT'] = '1'",
    'another working folder': "import os; os.chdir('/tmp')",
    'another seed': 'import random, numpy; random.seed(1); numpy.random.seed(1)',
  };
  const looks = `
import os, sys, math, random
home = os.path.expanduser('~')
assert os.getcwd() == home + '/work', os.getcwd()
assert [n for n in os.listdir('.') if 'left' in n] == []
for place in (home, '/tmp', '/dev/shm'):
    assert not any('left' in name for name in os.listdir(place)), place
assert math.pi > 3.1 and not hasattr(sys, 'left') and 'LEFT' not in os.environ
assert abs(random.random() - 0.13436424411240122) > 1e-9
mine = {os.getpid(), os.getppid()}
others = [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in mine | {1}]
assert all(b'sleep' not in open('/proc/%s/cmdline' % p, 'rb').read() for p in others)
`;

  test('what one leaves the next does not see', { timeout: 60_000 }, async () => {
    const { sandbox, runner } = await openShared();
    for (const [what, code] of Object.entries(leavings)) {
      await runTests(sandbox, script(code), stepContext(), runner);
      expect(await runner.clean(stepContext().signal), what).toBeUndefined();
      const after = await runTests(sandbox, script(looks), stepContext(), runner);
      expect(after.fault, what).toBeUndefined();
    }
    await sandbox.kill();
  });

  test('processes of one are gone before the next', { timeout: 60_000 }, async () => {
    const { sandbox, runner } = await openShared();
    const code =
      "import subprocess; subprocess.Popen(['setsid', 'sh', '-c', 'sleep 100 & sleep 100'], start_new_session=True)";
    const left = await runTests(sandbox, script(code), stepContext(), runner);
    expect(left.fault?.category).toBe('forged');
    expect(await runner.clean(stepContext().signal)).toBeUndefined();
    const after = await runTests(sandbox, script(looks), stepContext(), runner);
    expect(after.fault).toBeUndefined();
    await sandbox.kill();
  });

  test('what names a package runs where it is loaded already', { timeout: 60_000 }, async () => {
    const { sandbox, runner } = await openShared();
    const loaded = "import sys\nfound = 'pan' + 'das' in sys.modules";
    const cases: [code: string, tests: string][] = [
      [loaded, 'assert not found'],
      [`import pandas\n${loaded}`, 'assert found'],
      [loaded, 'import numpy\nassert found'],
      [
        "import importlib\nmodule = importlib.import_module('num' + 'py')",
        'assert module.arange(3).sum() == 3',
      ],
    ];
    for (const [code, tests] of cases) {
      const { fault } = await runTests(sandbox, script(code, tests), stepContext(), runner);
      expect(fault, tests).toBeUndefined();
      expect(await runner.clean(stepContext().signal)).toBeUndefined();
    }
    await sandbox.kill();
  });

  test(
    'what was made of the tests of one serves the next with the same ones',
    { timeout: 60_000 },
    async () => {
      const { sandbox, runner } = await openShared();
      const pytest = 'from solution import add\ndef test_it():\n    assert add(1, 2) == ';
      const large = `\n${'# long\n'.repeat(40_000)}`;
      const nested = `from solution import add\nx = ${'1 + '.repeat(3_000)}1\ndef test_it(): assert add(1, 2) == 3\n`;
      const good = 'def add(a, b): return a + b';
      const bad = 'def add(a, b): return a - b';
      const cases: [code: string, kind: 'pytest' | 'script', tests: string, category?: string][] = [
        [good, 'pytest', `${pytest}3\n`],
        [bad, 'pytest', `${pytest}3\n`, 'assertion'],
        [good, 'pytest', `${pytest}3\n`],
        [good, 'pytest', `${pytest}4\n`, 'assertion'],
        [good, 'script', 'assert add(1, 2) == 3'],
        [bad, 'script', 'assert add(1, 2) == 3', 'assertion'],
        [good, 'pytest', `${pytest}3\n`],
        [good, 'pytest', `${pytest}3\n${large}`],
        [bad, 'script', `assert add(1, 2) == 3${large}`, 'assertion'],
        [good, 'script', `assert add(1, 2) == 3${large}`],
        [good, 'pytest', nested, 'exception'],
        [good, 'script', nested, 'exception'],
        [good, 'pytest', `${pytest}3\n`],
      ];
      for (const [at, [code, kind, tests, category]] of cases.entries()) {
        const job = jobOf({ language: 'python', code, tests: { kind, code: tests } });
        const { fault } = await runTests(sandbox, job, stepContext(), runner);
        expect(fault?.category, `case ${at}`).toBe(category);
        expect(await runner.clean(stepContext().signal), `case ${at}`).toBeUndefined();
      }
      await sandbox.kill();
    },
  );

  const spoils: Record<string, string> = {
    'a killed runner': 'import os, signal; os.kill(-1, signal.SIGKILL)',
    'its parent killed': 'import os, signal; os.kill(os.getppid(), signal.SIGKILL)',
    'its parent killed beside pandas': 'import os, pandas, signal; os.kill(os.getppid(), signal.SIGKILL)',
    'a folder that nobody may enter': "import os; os.chmod('/tmp', 0)",
    'an attribute of a folder': "import os; os.setxattr(os.path.expanduser('~'), 'user.left', b'x')",
    'a System V object': 'import ctypes; assert ctypes.CDLL(None).msgget(0x1234, 0o1666) >= 0',
  };
  test.for(Object.entries(spoils))('%s spoils the sandbox', { timeout: 60_000 }, async ([, code]) => {
    const { sandbox, runner } = await openShared();
    await runTests(sandbox, script(code), stepContext(), runner).catch(() => undefined);
    expect(await runner.clean(stepContext().signal)).toMatch(/killed|System V|changed/);
    await sandbox.kill();
  });

  test('a changed file of the template spoils the sandbox', { timeout: 60_000 }, async () => {
    const { sandbox } = await openShared();
    await sandbox.files.write('/home/user/there.txt', 'before');
    const runner = await Runner.open(sandbox, stepContext(), { shared: true });
    await runTests(
      sandbox,
      script("import os; open(os.path.expanduser('~/there.txt'), 'w').write('after')"),
      stepContext(),
      runner,
    );
    expect(await runner.clean(stepContext().signal)).toBe('/home/user/there.txt was changed');
    await sandbox.kill();
  });
});
