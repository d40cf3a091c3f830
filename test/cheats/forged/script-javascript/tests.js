import assert from 'node:assert';
assert.strictEqual(add(1, 2), 3);
