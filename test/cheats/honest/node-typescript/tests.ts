import test from 'node:test';
import assert from 'node:assert/strict';
import { Stack } from './solution.ts';

enum Size { Small = 1, Large = 2 }
test('pushes', () => {
  const stack = new Stack<number>([Size.Small]);
  stack.push(Size.Large);
  assert.deepEqual([...stack], [1, 2]);
});
