import test from 'node:test';
import assert from 'node:assert';
import { add } from './solution.js';

test('adds', () => assert.ok(Object.is(add(1, 2), 3)));
