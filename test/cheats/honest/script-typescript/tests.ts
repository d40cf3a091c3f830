import assert from 'node:assert';
const wanted: number = 3;
assert.strictEqual(add(1, 2), wanted);
