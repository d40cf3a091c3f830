import { expect, test } from 'vitest';
import type { Language } from '../../src/domain/language.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

const found: readonly (readonly [string, Language, string, [number, number, number, number]])[] = [
  ['plain', 'python', 'import os\nx = os.fork', [2, 5, 2, 12]],
  [
    'after text outside ASCII, in UTF-16 units',
    'python',
    'import os\nx = "é😀"; y = os.fork',
    [2, 16, 2, 23],
  ],
  ['after a byte order mark', 'python', '\ufeffimport os; os.fork', [1, 12, 1, 19]],
  ['with Windows line ends', 'python', 'import os\r\n\r\nos.fork\r\n', [3, 1, 3, 8]],
  ['with lone carriage returns', 'python', 'import os\r# x\ros.fork', [3, 1, 3, 8]],
  ['over lines', 'python', 'import os\n(os\n  .fork)', [2, 2, 3, 8]],
  ['in JavaScript', 'javascript', '/* ü */ process.kill(\n1)', [1, 9, 1, 21]],
];

test.each(found)(
  'a finding lies where it is: %s',
  async (_, language, code, [line, column, endLine, endColumn]) => {
    const { findings } = await validateCode({
      language,
      code,
      policy: { extends: 'off', rules: { 'no-process-spawn': 'error' }, denyImports: [] },
    });
    expect(findings).toMatchObject([{ rule: 'no-process-spawn', line, column, endLine, endColumn }]);
  },
);

test('what embedded code does is told where it is run', async () => {
  const { findings } = await validateCode({
    language: 'python',
    code: 'x = 1\nexec("import os\\nos.kill(1, 9)")',
  });
  expect(findings).toMatchObject([
    {
      rule: 'no-process-tampering',
      line: 2,
      column: 1,
      message: expect.stringContaining('in what `exec` runs'),
    },
  ]);
});
