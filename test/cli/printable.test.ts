import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableLine } from '../../src/cli/printable.ts';

test('ordinary text stays as it is', () => {
  const text = 'naïve café — 日本語 🎉\n\tindented';
  expect(printable(text)).toBe(text);
});

test.each([
  ['a colour', '\u001b[31mred', '\\x1b[31mred'],
  ['a title of the window', '\u001b]0;owned\u0007', '\\x1b]0;owned\\x07'],
  ['a one-byte control sequence', '\u009b2J', '\\x9b2J'],
  ['a line that writes over itself', 'passed\rfailed', 'passed\\rfailed'],
  ['a backspace', 'ab\b', 'ab\\x08'],
  ['text that runs the other way', '\u202egnp.exe', '\\u202egnp.exe'],
  ['half a character', '\ud83d', '\\ud83d'],
  ['a Windows line end', 'a\r\nb', 'a\nb'],
])('%s is shown, not obeyed', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('a line stays a line', () => {
  expect(printableLine('a\nb\tc')).toBe('a\\nb\\tc');
});

test('whatever the text, no control character but line feed and tab gets through', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text);
      expect(
        [...shown].filter((each) => /[\p{Cc}\p{Cs}]/u.test(each) && each !== '\n' && each !== '\t'),
      ).toEqual([]);
      expect(shown.isWellFormed()).toBe(true);
    }),
  );
});
