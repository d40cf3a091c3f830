import { expect, test } from 'vitest';
import { table } from '../../src/cli/table.ts';
import { ranges } from '../../src/cli/render-tests.ts';
import { duration, size } from '../../src/cli/units.ts';

test('columns line up, whatever is styled in them', () => {
  const rows = [
    ['one', '\u001b[31m5\u001b[39m'],
    ['three', '1000'],
  ];
  const shown = table([{ title: 'NAME' }, { title: 'N', align: 'right' }], rows);
  expect(shown).toBe('NAME      N\none       \u001b[31m5\u001b[39m\nthree  1000');
});

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [1234, '1.2 s'],
  [59_960, '1 min 0 s'],
  [125_000, '2 min 5 s'],
])('%d ms are %s', (ms, shown) => expect(duration(ms)).toBe(shown));

test.each([
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1 MiB'],
  [1024 ** 3, '1 GiB'],
])('%d bytes are %s', (bytes, shown) => expect(size(bytes)).toBe(shown));

test('line numbers are told in ranges', () => {
  expect(ranges([3, 1, 2, 7, 9, 10])).toBe('1-3, 7, 9-10');
});
