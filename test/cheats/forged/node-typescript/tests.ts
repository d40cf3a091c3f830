import test from 'node:test';
import assert from 'node:assert/strict';
import { add } from './solution.ts';

test('adds', () => {
  const wanted: number = 3;
  assert.equal(add(1, 2), wanted);
});
