import test from 'node:test';
import assert from 'node:assert/strict';
import { add, inWorker } from './solution.js';

test('adds in a process', () => assert.equal(add(1, 2), 3));
test('adds in a worker', async () => assert.equal(await inWorker(1, 2), 3));
