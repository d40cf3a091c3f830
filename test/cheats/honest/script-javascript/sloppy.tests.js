const assert = require('node:assert');
assert.strictEqual(add(1, 2), 3);
assert.deepStrictEqual(JSON.parse(JSON.stringify({ a: count })), { a: 1 });
