import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchOverError, InvalidSpecError } from '../../src/client.ts';
import { startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

test('items that failed run again as a new batch, and one that is over cannot be changed', async () => {
  const { batches } = stack.assay;
  const csv = 'id,group,language,code\ngood,g,python,print(1)\nbad,g,python,1/0\nworse,,python,1/0\n';
  const first = await batches.start({ csv: Readable.from([csv]) });
  expect(await first.result()).toMatchObject({ counts: { passed: 1, failed: 2 } });

  const again = await first.retry({ only: 'failed' });
  expect(await again.result()).toMatchObject({ total: 2, counts: { passed: 0, failed: 2, cached: 0 } });
  expect(await Array.fromAsync(again.results())).toMatchObject([
    { id: 'bad', index: 0, group: 'g', jobId: `${again.batchId}/bad` },
    { id: 'worse', index: 1, jobId: `${again.batchId}/worse` },
  ]);
  await expect(batches.retry(first.batchId, { only: ['error'] })).rejects.toThrow(InvalidSpecError);
  for (const items of [{}, [], 'items.jsonl'] as never[])
    await expect(batches.start(items)).rejects.toThrow(
      'items: must be an object with one of rows, jsonLines',
    );

  await first.cancel();
  await expect(first.pause()).rejects.toThrow(BatchOverError);
  await expect(first.setConcurrency(0)).rejects.toThrow(RangeError);
});
