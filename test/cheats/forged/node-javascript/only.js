// adds tests of its own under the names of the real ones
// expect: any
import test from 'node:test';
test('adds', () => {});
test('adds more', () => {});
export const add = () => 0;
