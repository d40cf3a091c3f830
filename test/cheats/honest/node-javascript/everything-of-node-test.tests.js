import { after, before, beforeEach, describe, it, mock, suite, test } from 'node:test';
import assert from 'node:assert';
import { add, now } from './solution.js';

let ready = 0;
before(() => { ready += 1; });
beforeEach(() => { ready += 1; });
describe('add', () => {
  it('adds', () => assert.equal(add(1, 2), 3));
  it('throws', () => assert.throws(() => add(null), TypeError));
  describe('deep', () => {
    it(`adds negative numbers`, () => assert.strictEqual(add(-1, -2), -3));
  });
  it.skip('later', () => assert.fail());
  it.todo('to do');
  it('skips itself', (t) => t.skip('not here'));
});
suite('others', { concurrency: 1 }, () => {
  for (const n of [1, 2]) test(`adds ${n}`, () => assert.equal(add(n, n), 2 * n));
  test('with options', { timeout: 1000 }, () => assert.ok(ready > 0));
});
test('subtests', async (t) => {
  await t.test('one', () => assert.equal(add(1, 1), 2));
  await t.test('two', (t) => { t.mock.method(Math, 'max', () => 9); assert.equal(Math.max(1), 9); });
});
test('mocks time', () => {
  mock.timers.enable({ apis: ['Date'], now: 5 });
  assert.equal(now(), 5);
  mock.timers.reset();
});
test('same name', () => {});
test('same name', () => {});
test("quoted 'name' \u00e4 with\ttab", () => {});
if (add(1, 1) === 3) test('never declared', () => {});
after(() => {});
