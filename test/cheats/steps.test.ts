import { expect, test } from 'vitest';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from '../steps/support.ts';
import { corpusOf } from './corpus.ts';

const sandboxes = withSandboxes();
const only = process.env['ASSAY_CHEAT'] ?? '';
const pick = (side: 'forged' | 'honest') => corpusOf(side).filter(({ id }) => id.includes(only)).map((c) => [c.id, c] as const);

test.concurrent.each(pick('forged'))('forged %s', { timeout: 60_000 }, async (_, { spec, expect: category }) => {
  const sandbox = await sandboxes.create();
  const { fault } = await runTests(sandbox, jobOf(spec), stepContext());
  await sandbox.kill();
  expect(fault, 'it passed').toBeDefined();
  if (category !== 'any') expect(fault).toMatchObject({ category });
  if (only) console.log(fault);
});
test.concurrent.each(pick('honest'))('honest %s', { timeout: 60_000 }, async (_, { spec }) => {
  const sandbox = await sandboxes.create();
  const { fault, tests } = await runTests(sandbox, jobOf(spec), stepContext());
  await sandbox.kill();
  expect(fault, JSON.stringify(tests).slice(0, 1500)).toBeUndefined();
});
