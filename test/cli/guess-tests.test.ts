import { expect, test } from 'vitest';
import { guessTestKind } from '../../src/cli/guess-tests.ts';

test.each([
  ['test_solve.py', 'assert True', 'python', 'pytest'],
  ['solve_test.py', '', 'python', 'pytest'],
  ['checks.py', 'from solution import solve\n', 'python', 'pytest'],
  ['checks.py', 'async def test_it():\n  pass', 'python', 'pytest'],
  ['checks.py', 'assert solve(1) == 2', 'python', 'script'],
  ['solve.test.ts', '', 'typescript', 'node'],
  ['solve.spec.mjs', '', 'javascript', 'node'],
  ['checks.js', "import test from 'node:test'", 'javascript', 'node'],
  ['checks.ts', 'console.assert(add(1, 1) === 2)', 'typescript', 'script'],
  ['checks.sh', '[ "$(add 1 1)" = 2 ]', 'bash', 'script'],
  ['checks.txt', 'true', 'bash', 'script'],
  ['cases.json', '[]', 'python', 'io'],
] as const)('%s (%j, %s) holds tests of kind %s', (path, text, language, kind) => {
  expect(guessTestKind(`/some/folder/${path}`, text, language)).toBe(kind);
});
