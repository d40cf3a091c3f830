import { describe, expect, test } from 'vitest';
import { execute } from '../../src/steps/execute.ts';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const ADD = 'def add(a, b):\n    return a + b\n';
const TESTS =
  'from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n\ndef test_more():\n    assert add(2, 2) == 4\n';

describe('honest code', () => {
  test('a function with pytest passes, each test named', async () => {
    const job = jobOf({ language: 'python', code: ADD, tests: { kind: 'pytest', code: TESTS } });
    const sandbox = await sandboxes.create();
    const executed = await execute(sandbox, job, stepContext());
    expect(executed.fault).toBeUndefined();
    const { tests, fault } = await runTests(sandbox, job, stepContext());
    expect(fault).toBeUndefined();
    expect(tests).toMatchObject({
      total: 2,
      passed: 2,
      failed: 0,
      cases: [{ name: 'test_add' }, { name: 'test_more' }],
    });
  });
});
