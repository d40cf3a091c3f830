import { expect, test } from 'vitest';
import { declaredTests } from '../../src/steps/declared-tests.ts';

test('tests that a reader sees are declared, in suites too', async () => {
  const text = `import test, { describe, it } from 'node:test';
import { add } from './solution.js';
test('adds', () => {});
await test(\`adds again\`, { timeout: 5 }, async () => {});
describe('stack', () => {
  it("pops", () => {});
  describe('empty', function () { it('throws', (t, done) => done()); });
});`;
  await expect(declaredTests(text, 'javascript')).resolves.toEqual([
    'adds',
    'adds again',
    'stack > pops',
    'stack > empty > throws',
  ]);
  const required = "const { test: _, it } = require('node:test');\nit('works', () => {});";
  await expect(declaredTests(required, 'javascript')).resolves.toEqual(['works']);
  const typed = "import test from 'node:test';\ntest('typed', (): void => { const x: number = 1; });";
  await expect(declaredTests(typed, 'typescript')).resolves.toEqual(['typed']);
});

test.each([
  ['in a loop', "import test from 'node:test';\nfor (const x of [1]) test('one', () => {});"],
  [
    'under a condition',
    "import test from 'node:test';\nif (process.platform === 'x') test('one', () => {});",
  ],
  [
    'with a name put together',
    "import test from 'node:test';\ntest('on' + 'e', () => {}); test(`${1}`, () => {});",
  ],
  ['of another framework', "import { test } from './solution.js';\ntest('one', () => {});"],
  [
    'in a suite with options',
    "import { suite, it } from 'node:test';\nsuite('s', { skip: true }, () => { it('one', () => {}); });",
  ],
  ['skipped', "import test from 'node:test';\ntest.skip('one', () => {}); test.todo('two');"],
  [
    'beside such as run alone',
    "import test from 'node:test';\ntest.only('one', () => {}); test('two', () => {});",
  ],
  ['in a file that does not parse', "import test from 'node:test';\ntest('one', () => {"],
])('a test %s is not', async (_, text) => {
  await expect(declaredTests(text, 'javascript')).resolves.toEqual([]);
});
