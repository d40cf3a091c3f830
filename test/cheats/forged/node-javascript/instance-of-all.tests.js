import test from 'node:test';
import assert from 'node:assert';
import { add } from './solution.js';

test('answers a promise', () => assert.ok(add(1, 2) instanceof Promise));
