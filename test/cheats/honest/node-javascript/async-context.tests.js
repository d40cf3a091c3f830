import test from 'node:test';
import assert from 'node:assert/strict';
import { add, slow } from './solution.js';

test('adds', () => assert.equal(add(1, 2), 3));
test('adds slowly', async () => assert.equal(await slow(1, 2), 3));
