import test from 'node:test';
import assert from 'node:assert/strict';
import { add } from './solution.js';

test('adds', () => {
  assert.equal(add(1, 2), 3);
});
test('adds more', () => {
  assert.deepEqual([add(2, 2)], [4]);
});
