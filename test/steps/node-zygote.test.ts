import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestOutcome } from '../../src/domain/step-outcome.ts';
import { Runner } from '../../src/steps/runner.ts';
import { runTests } from '../../src/steps/run-tests.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import type { TestSandboxServer } from '../support/sandbox-server.ts';
import { jobOf, stepContext } from './support.ts';

// Items of JavaScript that share a sandbox, each a child that one process of Node's has forked.
let server: TestSandboxServer;
let sandbox: Sandbox;
let runner: Runner;

beforeAll(async () => {
  server = await startTestSandboxServer({});
  const options = { apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url };
  sandbox = await Sandbox.create('default', { ...options, timeoutMs: 300_000 });
  runner = await Runner.open(sandbox, stepContext(), { shared: true });
}, 60_000);
afterAll(async () => {
  await sandbox.kill();
  await server.stop();
});

/** Runs a script to its end in the shared sandbox and cleans up after it. */
async function item(
  code: string,
  tests = '',
  language: 'javascript' | 'typescript' = 'javascript',
  kind: 'script' | 'node' = 'script',
) {
  const job = jobOf({
    language,
    code,
    tests: { kind, code: tests || ';' },
    limits: { timeoutMs: 8_000 },
  });
  const outcome = await runTests(sandbox, job, stepContext(), runner);
  expect(await runner.clean(stepContext().signal)).toBeUndefined();
  return outcome;
}

const said = ({ tests }: TestOutcome) => tests.stdout.text.trim();
const passes = (outcome: TestOutcome) =>
  expect(outcome).toMatchObject({ fault: undefined, tests: { passed: 1 } });

const PLACE = `import { readFileSync } from 'node:fs';
const stat = readFileSync('/proc/self/stat', 'utf8').split(' ');
console.log(JSON.stringify({
  flags: readFileSync('/proc/self/cmdline', 'utf8').split('\\0').slice(1, 4),
  same: [Number(stat[0]) === process.pid, Number(stat[3]) === process.ppid],
  session: Number(stat[5]) === process.pid,
  cwd: process.cwd(), argv: process.argv.length, random: Math.random(),
  left: Object.keys(process.env).filter((name) => name.startsWith('ASSAY')),
  gc: typeof gc,
}));`;

test(
  'each is a child of its own, with its own numbers, which finds its surroundings as in a process anew',
  { timeout: 60_000 },
  async () => {
    const places = [];
    for (let at = 0; at < 3; at++) {
      const outcome = await item(PLACE);
      passes(outcome);
      places.push(JSON.parse(said(outcome)) as { random: number });
    }
    for (const place of places)
      expect(place).toMatchObject({
        flags: ['--max-old-space-size=512', '--v8-pool-size=0', '--single-threaded'],
        same: [true, true],
        session: true,
        cwd: '/home/user/work',
        argv: 1,
        left: [],
        gc: 'undefined',
      });
    expect(new Set(places.map(({ random }) => random)).size, 'random numbers are their own').toBe(3);
  },
);

test('what needs threads, timers, sockets and programs of its own works', { timeout: 60_000 }, async () => {
  passes(
    await item(
      `import { execFileSync, exec } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
const worker = new Worker('require("node:worker_threads").parentPort.postMessage(5)', { eval: true });
const five = await new Promise((done) => worker.once('message', done));
const key = await promisify(pbkdf2)('a', 'b', 1000, 32, 'sha256');
const names = await readdir('/');
const two = Number(execFileSync(process.execPath, ['-p', '1 + 1']));
const echoed = await new Promise((done) => exec('echo hi', (_, out) => done(out)));
const server = createServer((_, response) => response.end('served')).listen(0);
await new Promise((done) => server.once('listening', done));
const served = await (await fetch('http://127.0.0.1:' + server.address().port)).text();
server.close();
const wasm = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
let sum = 0;
for (let round = 0; round < 20; round++) for (const { at } of Array.from({ length: 20_000 }, (_, at) => ({ at, text: 'x'.repeat(at % 50) }))) sum += at;
process.on('SIGUSR2', () => (sum += 1));
process.kill(process.pid, 'SIGUSR2');
await new Promise((done) => setTimeout(done, 50));`,
      `import assert from 'node:assert';
assert.deepEqual([five, key.length, names.includes('proc'), two, echoed, served, sum, gzipSync('x').length > 0, wasm instanceof WebAssembly.Module],
  [5, 32, true, 2, 'hi\\n', 'served', 3_999_800_001, true, true]);`,
    ),
  );
});

test.each([
  ['a number', 'process.exit(3)', 3],
  ['at its end', 'process.exitCode = 4; throw new Error("late")', 4],
  [
    'an error that nobody catches',
    'setTimeout(() => { throw new Error("late") }); await new Promise((done) => setTimeout(done, 2_000))',
    1,
  ],
  [
    'no listeners of its end',
    'process.removeAllListeners(); setTimeout(() => { throw new Error("late") }); await new Promise((done) => setTimeout(done, 2_000))',
    1,
  ],
])('one that ends by %s ends at once', { timeout: 60_000 }, async (_, code) => {
  const started = performance.now();
  const { fault } = await item(code, 'console.log("never")');
  expect(fault).toBeDefined();
  expect(fault?.category).not.toBe('timeout');
  expect(performance.now() - started).toBeLessThan(8_000);
});

test('one that kills what forks costs the next nothing but time', { timeout: 60_000 }, async () => {
  const { fault } = await item(`process.kill(process.ppid, 'SIGKILL');`);
  expect(fault).toMatchObject({ category: 'forged' });
  const next = await item(PLACE);
  passes(next);
  expect(said(next)).toContain('--single-threaded');
});

test('one that stops what forks is waited for all the same', { timeout: 60_000 }, async () => {
  passes(await item(`process.kill(process.ppid, 'SIGSTOP');`));
  const next = await item(PLACE);
  passes(next);
  expect(said(next)).toContain('--single-threaded');
});

test('no memory of what forks can be opened', { timeout: 60_000 }, async () => {
  const outcome = await item(`import { openSync, readFileSync } from 'node:fs';
const parent = '/proc/' + process.ppid + '/';
let opened = true;
try { openSync(parent + 'mem', 'r+'); } catch { opened = false; }
console.log(readFileSync(parent + 'cmdline', 'utf8').includes('--single-threaded'), opened);`);
  expect(said(outcome)).toBe('true false');
});

test(
  'tests of node:test know nothing of those before, and print what they like',
  { timeout: 60_000 },
  async () => {
    const tests = `import test, { mock } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { left } from './solution.js';
test('finds nothing', () => {
  assert.deepEqual([left, mock.fn().mock.callCount()], [[], 0]);
  assert.ok(readFileSync('/proc/self/cmdline', 'utf8').includes('--single-threaded'));
  process.stdout.write('x'.repeat(200_000) + '\\n', () => console.error('written'));
});`;
    const code = `const handles = ['exit', 'beforeExit', 'uncaughtException', 'unhandledRejection'].map((name) => process.listenerCount(name));
export const left = [...Object.keys(globalThis).filter((name) => name.startsWith('left')), ...(handles.join() === HANDLES ? [] : handles)];
globalThis.leftBehind = 1;`;
    for (let at = 0; at < 2; at++) {
      const outcome = await item(code.replace('HANDLES', "'0,1,1,1'"), tests, 'javascript', 'node');
      passes(outcome);
      expect(outcome.tests.stdout.totalChars).toBe(200_001);
      expect(outcome.tests.stderr.text).toBe('written\n');
    }
  },
);

test('TypeScript has one of its own', { timeout: 60_000 }, async () => {
  passes(
    await item(
      'enum Kind { One = 1 }\nconst one: Kind = Kind.One;',
      'if (one !== 1) throw new Error();',
      'typescript',
    ),
  );
  passes(await item('const one = 1;', 'if (one !== 1) throw new Error();'));
});

/** Runs a program once for each input in the shared sandbox, and compares what it prints. */
async function program(
  code: string,
  cases: { stdin?: string; stdout: string }[],
  language: 'javascript' | 'typescript' = 'javascript',
) {
  const job = jobOf({ language, code, tests: { kind: 'io', cases }, limits: { timeoutMs: 8_000 } });
  const outcome = await runTests(sandbox, job, stepContext(), runner);
  expect(await runner.clean(stepContext().signal)).toBeUndefined();
  return outcome;
}

test.each([
  [
    'CommonJS',
    `const fs = require('fs');
const [a, b] = fs.readFileSync(0, 'utf8').split(' ').map(Number);
console.log(a + b, require.main === module, module.parent ?? null, __filename, process.argv.length);`,
    '3 true null /home/user/work/solution.js 2',
  ],
  [
    'a module',
    `import { createInterface } from 'node:readline';
import { basename } from 'node:path';
let sum = 0;
for await (const line of createInterface({ input: process.stdin })) for (const word of line.split(' ')) sum += Number(word);
console.log(sum, import.meta.main, basename(import.meta.filename), basename(process.argv[1]));`,
    '3 true solution.js solution.js',
  ],
  [
    'its surroundings',
    `const { execFileSync } = require('child_process');
const { Worker } = require('worker_threads');
const own = require('fs').readFileSync('/proc/self/cmdline', 'utf8').includes('--single-threaded');
const left = Object.keys(process.env).filter((name) => name.startsWith('ASSAY'));
const globals = ['fs', 'path', 'gc', '__assayFork', '__assayMark'].filter((name) => name in globalThis);
console.log(own, left.length, globals.length, process.execArgv.includes('--import'), typeof process._eval, process.stdout._handle !== undefined, typeof process.stdin.fd);
console.log(execFileSync(process.execPath, ['-p', '1 + 1']).toString().trim());
const worker = new Worker('require("worker_threads").parentPort.postMessage(5)', { eval: true });
worker.on('message', (five) => console.log(five));`,
    'true 0 0 false undefined true number\n2\n5',
  ],
])('a program finds what it finds in a process anew: %s', { timeout: 60_000 }, async (_, code, stdout) => {
  const { fault, tests } = await program(code, [
    { stdin: '1 2', stdout },
    { stdin: '1 2', stdout },
  ]);
  expect(fault, JSON.stringify(tests)).toBeUndefined();
});

test('programs of TypeScript, and ends of all kinds', { timeout: 60_000 }, async () => {
  const typed = 'enum Kind { One = 1 }\nconst one: Kind = Kind.One;\nconsole.log(one);';
  expect((await program(typed, [{ stdout: '1' }], 'typescript')).fault).toBeUndefined();
  const ends = [
    ['process.exit(3)', 'exit code 3'],
    ['throw new Error("no")', 'exit code 1'],
    ['setTimeout(() => { throw new Error("late") }, 5)', 'exit code 1'],
    ['Promise.reject(new Error("no"))', 'exit code 1'],
    ['await new Promise(() => {})', 'exit code 13'],
    ['process.kill(process.pid, "SIGTERM")', 'signal 15'],
    ['const = 1', 'exit code 1'],
    ['fs.readFileSync(0)', 'exit code 1'],
  ] as const;
  for (const [code, message] of ends)
    expect((await program(code, [{ stdout: '' }])).tests.cases[0]?.message, code).toContain(message);
});
