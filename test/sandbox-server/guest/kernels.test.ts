import { stripVTControlCharacters } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { collect, startNest, type TestGuest, type TestNest } from './start-nest.ts';

let nest: TestNest;
let guest: TestGuest;

beforeAll(async () => {
  nest = await startNest();
  guest = await nest.spawn();
});

afterAll(() => nest?.stop());

const javascript = (code: string, params = {}) => guest.run(code, { language: 'javascript', ...params });
const bash = (code: string, params = {}) => guest.run(code, { language: 'bash', ...params });
const errorOf = (answer: { events: Record<string, unknown>[] }) =>
  answer.events.find((event) => 'error' in event)?.['error'] as {
    name: string;
    value: string;
    traceback: string;
  };

test('Python keeps its state, counts its cells and shows the last expression', async () => {
  const first = await guest.run('x = 41\nprint("out")\nimport sys; print("err", file=sys.stderr)');
  expect(first).toMatchObject({ stdout: 'out\n', stderr: 'err\n', results: [] });
  const second = await guest.run('x + 1');
  expect(second.results).toEqual([{ text: '42', is_main_result: true }]);
  const counts = [first, second].map((answer) => answer.events[0]?.['execution_count'] as number);
  expect(counts[1]).toBe((counts[0] ?? 0) + 1);
  expect((await guest.run('"text"')).results[0]).toMatchObject({ text: 'text' });
  expect((await guest.run('{"a": [1, float("nan")]}')).results[0]).toMatchObject({ json: { a: [1, null] } });
});

test('Python shows errors with name, value and traceback', async () => {
  const error = errorOf(await guest.run('def f():\n    return 1 / 0\nf()'));
  expect(error).toMatchObject({ name: 'ZeroDivisionError', value: 'division by zero' });
  expect(stripVTControlCharacters(error.traceback)).toContain('----> 2     return 1 / 0');
  expect(errorOf(await guest.run('1 +')).name).toBe('SyntaxError');
  expect(errorOf(await guest.run('import sys; sys.exit(2)'))).toMatchObject({
    name: 'SystemExit',
    value: '2',
  });
  expect(errorOf(await guest.run('input("?")')).name).toBe('StdinNotImplementedError');
});

test('Python awaits at the top level and prints from its children in order', async () => {
  const code =
    'import os, asyncio\nprint("a")\nos.system("echo b")\nos.write(1, b"c\\n")\nawait asyncio.sleep(0)\n!echo d';
  expect((await guest.run(code)).stdout).toBe('a\nb\nc\nd\n');
});

test('tables come with their data, figures with image and chart', async () => {
  const table = await guest.run('import pandas as pd\npd.DataFrame({"a": [1, 2], "b": [0.5, None]})');
  expect(table.results[0]).toMatchObject({ data: { a: [1, 2], b: [0.5, null] }, is_main_result: true });
  expect(table.results[0]?.['html']).toContain('<table');
  const figure = await guest.run(
    'import matplotlib.pyplot as plt\nplt.bar(["x", "y"], [1, 2]); plt.title("t"); print("p"); plt.show()',
  );
  expect(figure.results).toHaveLength(1);
  expect(figure.results[0]).toMatchObject({ is_main_result: false, chart: { type: 'bar', title: 't' } });
  expect(Buffer.from(String(figure.results[0]?.['png']), 'base64').subarray(1, 4).toString()).toBe('PNG');
  expect((await guest.run('plt.get_fignums()')).results[0]).toMatchObject({ text: '[]' });
});

test('variables of a run are there for it and gone after it', async () => {
  const envs = { ONLY_NOW: 'a "quoted"\nvalue' };
  expect(
    (await guest.run('import os; print(os.environ["ONLY_NOW"])', { language: 'python', envs })).stdout,
  ).toBe('a "quoted"\nvalue\n');
  expect((await guest.run('print(os.environ.get("ONLY_NOW"), os.environ["FROM_SANDBOX"])')).stdout).toBe(
    'None yes\n',
  );
  expect((await bash('echo "$ONLY_NOW"', { envs })).stdout).toBe('a "quoted"\nvalue\n');
  expect((await bash('echo "[$ONLY_NOW]"')).stdout).toBe('[]\n');
  expect((await javascript('process.env.ONLY_NOW', { envs })).results[0]).toMatchObject({
    text: 'a "quoted"\nvalue',
  });
});

test('a long output and a character in pieces arrive whole', async () => {
  const { stdout } = await guest.run('for i in range(30000): print("é" * 40)');
  expect(stdout).toBe(`${'é'.repeat(40)}\n`.repeat(30_000));
});

test.each([
  ['os._exit(7)', 'exit code 7'],
  ['import ctypes; ctypes.string_at(0)', 'signal 11'],
])('a kernel that dies by %s says so, and the next run has a fresh one', async (code, how) => {
  const died = await guest.run(`print("last words"); import os; ${code}`);
  expect(died.stdout).toBe('last words\n');
  expect(died.error).toMatchObject({ code: 'unavailable', message: expect.stringContaining(how) });
  expect((await guest.run('1')).results[0]).toMatchObject({ text: '1' });
});

test('what a kernel printed before it died is read to its end, even by a slow reader and after its channel', async () => {
  // More than a stream takes in advance: the rest waits in the pipe, while the process is gone.
  const code = 'import os; os.close(3); print("x" * 300_000); os._exit(8)';
  const stream = guest.link.open('kernel.execute', { language: 'python', code, envs: {} });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const died = await collect(stream);
  expect(died.stdout.length).toBe(300_001);
  expect(died.error).toMatchObject({ message: expect.stringContaining('exit code 8') });
});

test.each([
  ['python', 'kept = 1', 'import time\nwhile True: time.sleep(0.01)', 'kept', '1'],
  ['javascript', 'kept = 1', 'for (;;);', 'kept', '1'],
  ['javascript', 'kept = 2', 'await new Promise((r) => setTimeout(r, 1e6))', 'kept', '2'],
])('a cancelled run of %s stops, and the state stays', async (language, before, endless, after, text) => {
  await guest.run(before, { language });
  const stream = guest.link.open('kernel.execute', { language, code: endless, envs: {} });
  await stream.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  stream.cancel();
  expect((await guest.run(after, { language })).results[0]).toMatchObject({ text });
});

test('a run that ignores interrupts is killed, and the next one works', async () => {
  const code = 'import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(1000)';
  const stream = guest.link.open('kernel.execute', { language: 'python', code, envs: {} });
  await stream.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  stream.cancel();
  expect((await guest.run('2')).results[0]).toMatchObject({ text: '2' });
}, 10_000);

test('contexts are apart, keep their folder over a restart, and can be removed', async () => {
  const made = await guest.call('kernel.create', { language: 'python', cwd: '/tmp' });
  const contextId = made.events[0]?.['contextId'];
  const inContext = (code: string) => guest.run(code, { contextId });
  expect((await inContext('import os; y = 1; print(os.getcwd())')).stdout).toBe('/tmp\n');
  expect(errorOf(await guest.run('y')).name).toBe('NameError');
  await guest.call('kernel.restart', { contextId });
  expect(errorOf(await inContext('y')).name).toBe('NameError');
  expect((await inContext('import os; print(os.getcwd())')).stdout).toBe('/tmp\n');
  await guest.call('kernel.remove', { contextId });
  expect((await inContext('1')).error?.code).toBe('not_found');
  expect((await guest.run('1', { language: 'cobol' })).error).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('python, javascript, typescript, deno, bash, java, r'),
  });
});

test('JavaScript has imports, require, redeclaration and top-level await', async () => {
  expect(
    (await javascript('import { join } from "node:path"; const a = await import("node:os"); join("x", "y")'))
      .results[0],
  ).toMatchObject({ text: 'x/y' });
  expect((await javascript('const a = { b: [1] }; console.log("log"); a')).results[0]).toMatchObject({
    text: '{ b: [ 1 ] }',
    json: { b: [1] },
  });
  expect((await javascript('require("fs").existsSync("/usr")')).results[0]).toMatchObject({ text: 'true' });
  expect(
    (await javascript('async function main() { await null; return "end" }\nmain()')).results[0],
  ).toMatchObject({ text: 'end' });
  expect(errorOf(await javascript('function f() { throw new TypeError("bad") }\nf()'))).toMatchObject({
    name: 'TypeError',
    value: 'bad',
    traceback: expect.stringMatching(
      /^TypeError: bad\n {4}at f \(cell-\d+\.js:1:22\)\n {4}at cell-\d+\.js:2:1$/,
    ),
  });
  expect(errorOf(await javascript('Promise.reject(new Error("nobody"))\n1')).value).toBe('nobody');
  expect((await javascript('process.exit(0)')).error).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('exit code 0'),
  });
});

test('TypeScript drops types and turns enums into code', async () => {
  const code = 'interface P { x: number }\nenum E { A = 5 }\nconst p: P = { x: E.A };\np.x';
  expect((await guest.run(code, { language: 'typescript' })).results[0]).toMatchObject({ text: '5' });
  expect(errorOf(await guest.run('let x: = 1', { language: 'typescript' })).name).toBe('SyntaxError');
});

test('Bash keeps its state and tells of failures', async () => {
  expect(errorOf(await bash('f() { echo "f $1"; }; v=3; cd /tmp'))).toBeUndefined();
  expect((await bash('f $v; pwd')).stdout).toBe('f 3\n/tmp\n');
  expect(errorOf(await bash('ls /nope'))).toMatchObject({ name: 'ExitError', value: 'exit status 2' });
  expect(errorOf(await bash('exit 0'))).toMatchObject({ name: 'Exit', value: '0' });
  expect((await bash('echo "[$v]"')).stdout).toBe('[]\n');
});

test('a cell that kills itself is told from one that is killed for its memory', async () => {
  const small = await nest.spawn({ memoryMb: 400 });
  const itself = await small.run('import os\nos.kill(os.getpid(), 9)');
  expect(itself.error?.message).toMatch(/signal 9 \(Killed\)$/);
  const hog = `
import os, time
first = os.getpid()
for _ in range(2): os.fork()
x = bytearray((250 if os.getpid() == first else 130) << 20)
time.sleep(20)
`;
  const killed = await small.run(hog);
  expect(killed.error?.message).toMatch(/signal 9 \(Killed\): memory limit of 400 MB reached$/);
  await small.kill();
});

test('a long error in foreign letters leaves the state as it is', async () => {
  await guest.run('kept = 7');
  expect(errorOf(await guest.run('raise ValueError("é" * 200_000)')).value).toMatch(/^é{40000}$/);
  expect(errorOf(await guest.run('raise ValueError("😀" * 200_000)')).value).toMatch(/^(😀)+$/u);
  expect((await guest.run('kept')).results[0]).toMatchObject({ text: '7' });
});

test.each(['{"execution_count":Infinity}', '['.repeat(90_000), '{"error":{"name":1}}', '4'])(
  'an interpreter that tells nonsense (%.40s) is ended alone',
  async (news) => {
    const code = `import os, struct, time\nbody = b'${news}'\nfor run in range(50): os.write(3, struct.pack('>IIB', 5 + len(body), run, 2) + body)\ntime.sleep(9)`;
    expect((await guest.run(code)).error).toMatchObject({ code: 'unavailable' });
    expect((await guest.run('6 * 7')).results[0]).toMatchObject({ text: '42' });
  },
);
