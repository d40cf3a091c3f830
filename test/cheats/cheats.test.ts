import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from '../steps/support.ts';
import { corpusOf } from './corpus.ts';
import type { Side } from './corpus.ts';

const sandboxes = withSandboxes();
const named = (side: Side) => corpusOf(side).map((one) => [one.id, one] as const);

test('the corpus is as large as was promised', () => {
  expect(corpusOf('forged').length).toBeGreaterThanOrEqual(310);
  expect(corpusOf('honest').length).toBeGreaterThanOrEqual(150);
});

test.concurrent.each(named('forged'))(
  '%s fails',
  { timeout: 90_000 },
  async (_, { spec, expect: category }) => {
    const sandbox = await sandboxes.create();
    const { fault } = await runTests(sandbox, jobOf(spec), stepContext());
    expect(await sandbox.isRunning()).toBe(true);
    await sandbox.kill();
    expect(fault, 'it passed').toBeDefined();
    if (category !== 'any') expect(fault).toMatchObject({ category });
  },
);

test.concurrent.each(named('honest'))('%s passes', { timeout: 90_000 }, async (_, { spec }) => {
  const sandbox = await sandboxes.create();
  const { fault, tests } = await runTests(sandbox, jobOf(spec), stepContext());
  await sandbox.kill();
  expect(fault, JSON.stringify(tests)).toBeUndefined();
  if ('passed' in tests) expect(tests.passed).toBeGreaterThan(0);
});

test.concurrent.each(named('wrong'))(
  '%s fails for what it is',
  { timeout: 90_000 },
  async (_, { spec, expect: category }) => {
    const sandbox = await sandboxes.create();
    const { fault } = await runTests(sandbox, jobOf(spec), stepContext());
    await sandbox.kill();
    expect(category).not.toBe('forged');
    expect(fault).toMatchObject({ category });
  },
);
