import { expect, test } from 'vitest';

import { ConnectionBudget } from '../../../src/sandbox-server/egress/connection-budget.ts';

/** Takes as many as it gets for somebody; how many those are. */
function fill(budget: ConnectionBudget, own = 0): number {
  let count = own;
  while (budget.take(count) === undefined) count += 1;
  return count;
}

test('who takes all that there is leaves room for others, and all of them stay within it', () => {
  const budget = new ConnectionBudget(40);
  const counts = [fill(budget), fill(budget), fill(budget)];
  expect(counts).toEqual([20, 10, 7]);
  const others = [fill(budget), fill(budget), fill(budget), fill(budget)];
  expect(others).toEqual([3, 0, 0, 0]);
  expect(budget.take(0)).toBe('too many connections of all sandboxes together, which have 40 of 40');
  // What is given back is there again.
  for (let left = 19; left >= 0; left--) budget.release(left);
  expect(fill(budget, 3)).toBeGreaterThan(3);
});

test('one alone has its own bound where there is plenty', () => {
  expect(fill(new ConnectionBudget(1_000_000))).toBe(320);
});
