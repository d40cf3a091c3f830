import { expect, test } from 'vitest';
import { collect } from '../../src/steps/collect.ts';
import { execute } from '../../src/steps/execute.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();

test('results, streams and files of a Python cell come back', async () => {
  const sandbox = await sandboxes.create();
  const context = stepContext();
  const job = jobOf({
    language: 'python',
    code: `import sys, os
import matplotlib.pyplot as plt
print(open('data/in.csv').read().strip(), __name__)
print('oops', file=sys.stderr)
plt.plot([1, 2, 3]); plt.show()
os.makedirs('out/deep', exist_ok=True)
open('out/a.txt', 'w').write('A' * 10)
open('out/deep/b.txt', 'w').write('B')
os.symlink('/etc/passwd', 'out/link.txt')
{'x': 1}`,
    files: [{ path: 'data/in.csv', content: 'a,b\n' }],
    artifacts: ['out/**/*.txt'],
  });
  const { execution, fault } = await execute(sandbox, job, context);
  expect(fault).toBeUndefined();
  expect(execution.stdout).toEqual({ text: 'a,b __main__\n', truncated: false, totalChars: 13 });
  expect(execution.stderr.text).toBe('oops\n');
  const [figure, value] = execution.results;
  expect(figure).toMatchObject({
    main: false,
    data: { 'image/png': { bytes: expect.any(Number) } },
    chart: { type: 'line' },
  });
  expect(value).toMatchObject({ main: true, data: { 'text/plain': "{'x': 1}" } });
  const { artifacts } = await collect(sandbox, job, context);
  expect(artifacts.map(({ path, bytes }) => [path, bytes])).toEqual([
    ['out/a.txt', 10],
    ['out/deep/b.txt', 1],
  ]);
  expect(Buffer.from(await context.store.get(artifacts[0]!)).toString()).toBe('A'.repeat(10));
});

test.each([
  ['an exception', 'def f():\n    return 1 / 0\nf()', 'exception', 'ZeroDivisionError: division by zero'],
  [
    'a missing module',
    'import nothing_like_it',
    'import',
    "ModuleNotFoundError: No module named 'nothing_like_it'",
  ],
  ['a failed exit', 'import sys\nsys.exit(3)', 'exception', 'SystemExit: 3'],
  ['a kernel that ends itself', 'import os\nos._exit(0)', 'exception', 'exit code 0'],
  [
    'a segmentation fault',
    'import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)',
    'exception',
    'signal 11',
  ],
  ['a kill of itself', 'import os\nos.kill(os.getpid(), 9)', 'exception', 'signal 9'],
  ['an endless loop', 'while True: pass', 'timeout', 'did not end within 1500 ms'],
  ['too much memory', 'x = bytearray(3_000_000_000)', 'memory', 'MemoryError'],
  ['the network', "import socket\nsocket.create_connection(('example.com', 80))", 'network', 'gaierror'],
])('%s is a fault with its category', { timeout: 30_000 }, async (_, code, category, evidence) => {
  const sandbox = await sandboxes.create();
  const { fault, execution } = await execute(
    sandbox,
    jobOf({ language: 'python', code, limits: { timeoutMs: 1_500 } }),
    stepContext(),
  );
  expect(fault).toMatchObject({ category, evidence: expect.stringContaining(evidence) });
  if (category === 'exception') expect(execution.error).toBeDefined();
  await sandbox.kill();
});

test.each([
  ['python', 'import sys\nprint("done")\nsys.exit(0)'],
  ['javascript', 'console.log("done"); process.exit(0)'],
  ['typescript', 'const x: string = "done"; console.log(x)'],
  ['bash', 'echo done; exit 0'],
] as const)('%s that leaves with success has no fault', { timeout: 30_000 }, async (language, code) => {
  const sandbox = await sandboxes.create();
  const { fault, execution } = await execute(sandbox, jobOf({ language, code }), stepContext());
  expect(fault).toBeUndefined();
  expect(execution.stdout.text).toBe('done\n');
  await sandbox.kill();
});

test.each([
  ['javascript', 'throw new TypeError("no")', 'exception', 'TypeError: no'],
  ['typescript', 'const x: number = null!; x.toFixed()', 'exception', 'TypeError'],
  ['javascript', 'const all = []; for (;;) all.push(new Array(1e6).fill(1));', 'memory', ''],
  ['bash', 'false_command_zz', 'exception', ''],
] as const)('a fault of %s: %s', { timeout: 60_000 }, async (language, code, category, evidence) => {
  const sandbox = await sandboxes.create();
  const { fault } = await execute(
    sandbox,
    jobOf({ language, code, limits: { timeoutMs: 20_000 } }),
    stepContext(),
  );
  expect(fault).toMatchObject({ category, evidence: expect.stringContaining(evidence) });
  await sandbox.kill();
});

test('30 MB of output come back whole, cut to the limit in the result', { timeout: 60_000 }, async () => {
  const sandbox = await sandboxes.create();
  const context = stepContext();
  const code = 'for i in range(30):\n    print("x" * 999_999)\nprint("the end")';
  const { execution, fault } = await execute(
    sandbox,
    jobOf({ language: 'python', code, limits: { outputChars: 100 } }),
    context,
  );
  expect(fault).toBeUndefined();
  expect(execution.stdout).toMatchObject({
    truncated: true,
    totalChars: 30_000_008,
    ref: { bytes: 30_000_008 },
  });
  expect(execution.stdout.text).toContain(`… (truncated ${30_000_008 - 100} characters) …`);
  expect(execution.stdout.text).toMatch(/the end\n$/);
});

test('endless output is stopped', { timeout: 60_000 }, async () => {
  const sandbox = await sandboxes.create();
  const code = 'while True: print("x" * 100_000)';
  const { fault, execution } = await execute(
    sandbox,
    jobOf({ language: 'python', code, limits: { timeoutMs: 40_000 } }),
    stepContext(),
  );
  expect(fault).toMatchObject({ category: 'output' });
  expect(execution.stdout.ref!.bytes).toBe(64 * 1024 * 1024);
  const left = await sandbox.commands.run('ps ax -o comm= 2>/dev/null || ls /proc | grep -c "^[0-9]"');
  expect(left.exitCode).toBe(0);
});

test('an aborted step ends the work and throws the reason', { timeout: 30_000 }, async () => {
  const sandbox = await sandboxes.create();
  const controller = new AbortController();
  const running = execute(
    sandbox,
    jobOf({ language: 'python', code: 'import time\ntime.sleep(60)' }),
    stepContext(controller.signal),
  );
  setTimeout(() => controller.abort(new Error('cancelled')), 500);
  const from = performance.now();
  await expect(running).rejects.toThrow('cancelled');
  expect(performance.now() - from).toBeLessThan(4_000);
  // Only those that every sandbox has.
  expect(await sandbox.listCodeContexts()).toHaveLength(2);
});

test('a sandbox that goes away is trouble of the world', { timeout: 30_000 }, async () => {
  const sandbox = await sandboxes.create();
  const running = execute(
    sandbox,
    jobOf({ language: 'python', code: 'import time\ntime.sleep(60)' }),
    stepContext(),
  );
  setTimeout(() => void sandbox.kill(), 500);
  await expect(running).rejects.toThrow();
});
