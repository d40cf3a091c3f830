import test from 'node:test';
import assert from 'node:assert';
import { add } from './solution.js';

test('adds', () => {
  assert.equal(JSON.stringify([add(1, 2)]), JSON.stringify([3]));
});
