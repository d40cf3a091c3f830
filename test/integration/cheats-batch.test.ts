import { afterAll, beforeAll, expect, test } from 'vitest';
import { corpusOf } from '../cheats/corpus.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

test('honest items pass, and forgeries and wrong ones fail, side by side in the sandboxes of one batch', async () => {
  const honest = corpusOf('honest');
  // The order is mixed: what a forgery leaves behind would meet an honest program.
  const others = [...corpusOf('forged'), ...corpusOf('wrong')];
  const cases = others.flatMap((other, at) => [other, honest[at % honest.length]!]);
  const rows = cases.map(({ spec }, at) => ({ id: String(at), ...spec, validate: { policy: 'off' } }));
  const handle = await stack.assay.batches.start({ rows }, { concurrency: 2, cache: false });
  const results = await Array.fromAsync(handle.results());
  const wrong = results.flatMap(({ verdict, diagnosis }, at) => {
    const { id, expect: category } = cases[at]!;
    const fine = id.startsWith('honest/')
      ? verdict === 'passed'
      : verdict === 'failed' && (category === 'any' || diagnosis?.category === category);
    return fine ? [] : [[id, verdict, diagnosis]];
  });
  expect(wrong).toEqual([]);
  expect(results.length).toBe(cases.length);
  expect(await openSandboxesOf(stack.config, handle.batchId)).toEqual([]);
});
