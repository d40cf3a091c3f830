import { expect, test } from 'vitest';
import { evidenceOf, faultOfDeath, faultOfError, oneLine } from '../../src/domain/fault-of-error.ts';

test.each([
  ['MemoryError', '', 'memory'],
  ['_ArrayMemoryError', 'Unable to allocate 8 GiB', 'memory'],
  ['RangeError', 'Array buffer allocation failed', 'memory'],
  ['RuntimeError', "can't start new thread", 'memory'],
  ['ModuleNotFoundError', "No module named 'x'", 'import'],
  ['Error', "Cannot find module 'x'", 'import'],
  ['IndentationError', 'unexpected indent', 'syntax'],
  ['AssertionError', 'assert 1 == 2', 'assertion'],
  ['gaierror', '[Errno -3] Temporary failure in name resolution', 'network'],
  ['URLError', '<urlopen error [Errno 101] Network is unreachable>', 'network'],
  ['TypeError', 'fetch failed: getaddrinfo EAI_AGAIN example.com', 'network'],
  ['ValueError', 'invalid literal', 'exception'],
  ['KeyError', "'memory'", 'exception'],
])('%s: %s is %s', (name, value, category) => {
  expect(faultOfError({ name, value })).toBe(category);
});

test('a failing connection is an ordinary exception where the internet is allowed', () => {
  expect(faultOfError({ name: 'gaierror', value: 'Name or service not known' }, true)).toBe('exception');
});

test.each([
  [{ signal: 9 }, '', 'memory'],
  [{ code: 137 }, '', 'memory'],
  [{ signal: 9, nearMemoryLimit: true }, '', 'memory'],
  [{ signal: 9, nearMemoryLimit: false }, '', 'exception'],
  [
    { signal: 6 },
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'memory',
  ],
  [{ signal: 11 }, '', 'exception'],
  [{ code: 1 }, 'Traceback …\nMemoryError', 'memory'],
  [{ code: 1 }, 'Traceback …\nModuleNotFoundError: No module named x', 'import'],
  [{ code: 1 }, 'file.js:1\n\nError [ERR_MODULE_NOT_FOUND]: Cannot find package x\n  at y', 'import'],
  [{ code: 1 }, 'AssertionError [ERR_ASSERTION]: 1 == 2\n  at y', 'assertion'],
  [{ code: 3 }, 'bye', 'exception'],
])('the end %j after %j is %s', (end, stderr, category) => {
  expect(faultOfDeath(end, stderr)).toBe(category);
});

test('evidence is one line', () => {
  expect(evidenceOf({ name: 'ValueError', value: '\nno\nsuch' })).toBe('ValueError: no');
  expect(evidenceOf({ name: 'MemoryError', value: '' })).toBe('MemoryError');
  expect(oneLine('x'.repeat(500))).toHaveLength(300);
});
