import assert from 'node:assert/strict';
import test from 'node:test';
import { median } from './solution.ts';

test('an odd number of values', () => {
  assert.equal(median([3, 1, 2]), 2);
});

test('an even number of values', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

// toSorted() without a comparison sorts numbers as text: 10 comes before 9.
test('values of more than one digit', () => {
  assert.equal(median([9, 10, 11]), 10);
});

test('nothing has no median', () => {
  assert.throws(() => median([]), RangeError);
});
