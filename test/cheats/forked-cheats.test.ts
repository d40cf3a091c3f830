import type { Sandbox } from '@e2b/code-interpreter';
import { afterAll, expect, test } from 'vitest';
import { Runner } from '../../src/steps/runner.ts';
import { runTests } from '../../src/steps/run-tests.ts';
import { jobOf, stepContext, withSandboxes } from '../steps/support.ts';
import { corpusOf } from './corpus.ts';

// The same programs of JavaScript and TypeScript as items of one batch: one after the other in a sandbox, each a child that Node forks.
const sandboxes = withSandboxes();
const named = (side: 'forged' | 'honest') =>
  corpusOf(side)
    .filter(({ id }) => /(node|script|io)-(java|type)script/.test(id))
    .map((one) => [one.id, one] as const);
let shared: { sandbox: Sandbox; runner: Runner } | undefined;
let spoilt = 0;

async function shareSandbox() {
  const sandbox = await sandboxes.create();
  return { sandbox, runner: await Runner.open(sandbox, stepContext(), { shared: true }) };
}

/** Runs a program as the batch does: a sandbox that it has spoilt is no more used. */
async function faultOf(spec: Parameters<typeof jobOf>[0]) {
  shared ??= await shareSandbox();
  const { sandbox, runner } = shared;
  const { fault, tests } = await runTests(sandbox, jobOf(spec), stepContext(), runner);
  if ((await runner.clean(stepContext().signal)) !== undefined) {
    spoilt += 1;
    shared = undefined;
    await sandbox.kill();
  }
  return { fault, tests };
}

test.each(named('forged'))('%s fails', { timeout: 90_000 }, async (_, { spec, expect: category }) => {
  const { fault } = await faultOf(spec);
  expect(fault, 'it passed').toBeDefined();
  if (category !== 'any') expect(fault).toMatchObject({ category });
});

test.each(named('honest'))('%s passes', { timeout: 90_000 }, async (_, { spec }) => {
  const { fault, tests } = await faultOf(spec);
  expect(fault, JSON.stringify(tests)).toBeUndefined();
});

afterAll(() => expect(spoilt).toBeLessThan(5));
