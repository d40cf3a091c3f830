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
  ['SyntaxError', "'return' outside function (solution.py, line 1)", 'syntax'],
  ['SyntaxError', 'Unexpected identifier', 'syntax'],
  ['SyntaxError', 'invalid syntax (<string>, line 1)', 'exception'],
  ['SyntaxError', "'(' was never closed (<unknown>, line 1)", 'exception'],
  ['SyntaxError', "Expected property name or '}' in JSON at position 1", 'exception'],
  ['SyntaxError', 'Unexpected end of JSON input', 'exception'],
  ['SyntaxError', 'Cannot convert 1x to a BigInt', 'exception'],
  ['AssertionError', 'assert 1 == 2', 'assertion'],
  ['gaierror', '[Errno -3] Temporary failure in name resolution', 'network'],
  ['URLError', '<urlopen error [Errno 101] Network is unreachable>', 'network'],
  ['TypeError', 'fetch failed: getaddrinfo EAI_AGAIN example.com', 'network'],
  ['ValueError', 'invalid literal', 'exception'],
  ['KeyError', "'memory'", 'exception'],
])('%s: %s is %s', (name, value, category) => {
  expect(faultOfError({ name, value })).toBe(category);
});

test.each(['new Function (<anonymous>)', 'new RegExp (<anonymous>)', 'eval (<anonymous>)'])(
  'a syntax error of what %s was given is an exception',
  (frame) => {
    const traceback = `SyntaxError: Unexpected token ')'\n    at ${frame}\n    at f (solution.js:3:5)`;
    expect(faultOfError({ name: 'SyntaxError', value: "Unexpected token ')'", traceback })).toBe('exception');
  },
);

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
