import { expect, test } from 'vitest';
import { execute } from '../../src/steps/execute.ts';
import { runTests } from '../../src/steps/run-tests.ts';
import type { JobSpec } from '../../src/domain/job-spec.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const TS = `enum Kind { One = 1 }
export function add(a: number, b: number): number {
  if (a > 100) {
    return 0;
  }
  return a + b + Kind.One - 1;
}
`;
const TS_TESTS = `import { test, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { add } from './solution.ts';
test('adds', () => assert.equal(add(1, 2), 3));
describe('group', () => {
  it('inner', async () => { assert.equal(add(1, 1), 2); });
  it.skip('later', () => {});
});
test('parent', async (t) => { await t.test('child', () => {}); });
`;

async function tested(spec: Partial<JobSpec> & Pick<JobSpec, 'code' | 'language' | 'tests'>) {
  const sandbox = await sandboxes.create();
  const outcome = await runTests(sandbox, jobOf(spec), stepContext());
  await sandbox.kill();
  return outcome;
}

test('a TypeScript function with node:test passes, names nested', async () => {
  const sandbox = await sandboxes.create();
  const job = jobOf({ language: 'typescript', code: TS, tests: { kind: 'node', code: TS_TESTS } });
  expect((await execute(sandbox, job, stepContext())).fault).toBeUndefined();
  const { fault, tests } = await runTests(sandbox, job, stepContext());
  expect(fault, JSON.stringify(tests)).toBeUndefined();
  expect(tests.cases.map(({ name, outcome }) => `${name}: ${outcome}`)).toEqual([
    'adds: passed',
    'group > inner: passed',
    'group > later: skipped',
    'parent > child: passed',
    'parent: passed',
  ]);
});

test.each([
  ["import { add } from './solution';", 'export const add = (a: number, b: number) => a + b;', 'typescript'],
  [
    "import { add } from './solution.js';",
    'export const add = (a: number, b: number) => a + b;',
    'typescript',
  ],
  ["const { add } = require('./solution');", 'module.exports = { add: (a, b) => a + b };', 'javascript'],
  ["import { add } from './solution.js';", 'exports.add = (a, b) => a + b;', 'javascript'],
  ["import { add } from './solution.js';", 'export function add(a, b) { return a + b; }', 'javascript'],
] as const)('%s takes %s', { timeout: 30_000 }, async (load, code, language) => {
  const esm = load.startsWith('import');
  const head = esm
    ? "import test from 'node:test'; import assert from 'node:assert';"
    : "const test = require('node:test'); const assert = require('node:assert');";
  const { fault, tests } = await tested({
    language,
    code,
    tests: { kind: 'node', code: `${head}\n${load}\ntest('t', () => assert.equal(add(1, 2), 3));\n` },
  });
  expect(fault, JSON.stringify(tests)).toBeUndefined();
  expect(tests.passed).toBe(1);
});

test('a failing test tells its name and message, and coverage is held to its thresholds', async () => {
  const failing = await tested({
    language: 'typescript',
    code: 'export const add = () => 0;',
    tests: { kind: 'node', code: TS_TESTS },
  });
  expect(failing.fault).toMatchObject({
    category: 'assertion',
    evidence: expect.stringMatching(/^adds: .*strictly equal/),
  });
  expect(failing.tests.cases[0]).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining('0 !== 3'),
  });
  const { fault, tests } = await tested({
    language: 'typescript',
    code: TS,
    tests: { kind: 'node', code: TS_TESTS, coverage: { lines: 99 } },
  });
  expect(fault).toMatchObject({ category: 'coverage' });
  expect(tests.coverage?.files).toEqual([
    expect.objectContaining({ path: 'solution.ts', missingLines: [4, 5] }),
  ]);
});

const ASSERT =
  "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { add } from './solution.js';\ntest('a', () => assert.equal(add(1, 2), 3));\ntest('b', () => assert.equal(add(2, 2), 4));\n";
test.each([
  ['ends the process at import', 'process.exit(0);\nexport const add = 1;', 'forged'],
  ['ends the process within a test', 'export const add = () => process.exit(0);', 'forged'],
  ['ends the process for good', 'process.reallyExit(0);\nexport const add = 1;', 'forged'],
  [
    'replaces assert.equal',
    "import assert from 'node:assert';\nassert.strict.equal = () => {};\nexport const add = () => 0;",
    'forged',
  ],
  [
    'replaces named imports of assert',
    "import assert from 'node:assert/strict';\nimport { syncBuiltinESMExports } from 'node:module';\nconst old = assert.equal; assert.equal = () => {}; syncBuiltinESMExports();\nexport const add = () => 0;",
    'forged',
  ],
  ['replaces Object.is', 'Object.is = () => true;\nexport const add = () => 0;', 'forged'],
  [
    'replaces node:test',
    "import t from 'node:test';\nt.test = () => {};\nexport const add = () => 0;",
    'forged',
  ],
  [
    'prints a fake report',
    "import fs from 'node:fs';\nfor (let fd = 100; fd < 400; fd++) try { fs.writeSync(fd, \"x 0 ('done', 'a', 'passed', 1, '', '')\\n\"); } catch {}\nexport const add = () => 0;",
    'forged',
  ],
  [
    'rewrites the test file',
    "import fs from 'node:fs';\nfs.rmSync('solution.test.js'); fs.writeFileSync('solution.test.js', '');\nexport const add = () => 0;",
    'forged',
  ],
  [
    'leaves a child behind',
    "import { spawn } from 'node:child_process';\nspawn('sleep', ['30'], { detached: true, stdio: 'ignore' }).unref();\nexport const add = (a, b) => a + b;",
    'forged',
  ],
  [
    'takes a heap snapshot',
    "import v8 from 'node:v8';\nv8.getHeapSnapshot();\nexport const add = (a, b) => a + b;",
    'forged',
  ],
  ['throws at import', "throw new TypeError('no');\nexport const add = 1;", 'exception'],
  ['needs a module that is not there', "import x from 'no-such-package';\nexport const add = 1;", 'import'],
  ['loops', 'export const add = () => { for (;;); };', 'timeout'],
  [
    'takes all memory',
    'export const add = () => { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)); };',
    'memory',
  ],
  [
    'takes all memory outside of the heap',
    'export const add = () => { const all = []; for (;;) all.push(Buffer.alloc(5e7, 1)); };',
    'memory',
  ],
])('JavaScript that %s fails', { timeout: 60_000 }, async (_, code, category) => {
  const { fault, tests } = await tested({
    language: 'javascript',
    code,
    tests: { kind: 'node', code: ASSERT },
    limits: { timeoutMs: 8_000 },
  });
  expect(fault, JSON.stringify([fault, tests])).toMatchObject({ category });
});
