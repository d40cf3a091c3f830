import { afterAll, beforeAll, expect, test } from 'vitest';
import { humanEvalProblems, pytestItem, scriptItem } from '../support/human-eval.ts';
import { startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** What a model gives that has not understood the task. */
const WRONG = '    return None\n';

test.for([
  ['script', scriptItem],
  ['pytest', pytestItem],
] as const)("HumanEval's own solutions pass as %s items, wrong ones fail", async ([, itemOf]) => {
  const problems = humanEvalProblems();
  expect(problems).toHaveLength(164);
  const rows = [
    ...problems.map((problem) => ({ ...itemOf(problem), id: `right ${problem.task_id}` })),
    ...problems.map((problem) => ({ ...itemOf(problem, WRONG), id: `wrong ${problem.task_id}` })),
  ];
  const handle = await stack.assay.batches.start({ rows }, { concurrency: 2 });
  const misjudged: unknown[] = [];
  for await (const { id, verdict, attempts } of handle.results())
    if (verdict !== (id.startsWith('right') ? 'passed' : 'failed'))
      misjudged.push([id, verdict, attempts.at(-1)?.ended]);
  expect(misjudged).toEqual([]);
  expect((await handle.result()).done).toBe(rows.length);
});
