import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OutputKeeper } from '../../src/steps/output.ts';
import { filterText, TextFilter } from '../../src/steps/text-filter.ts';
import { openStore } from '../../src/store/open-store.ts';

const store = openStore('memory://');

async function kept(pieces: string[], limit: number) {
  const keeper = new OutputKeeper(limit);
  for (const piece of pieces) keeper.push(piece);
  return keeper.end(store);
}

describe('a kept output', () => {
  test('is whole up to the limit, to the character', async () => {
    expect(await kept(['ab', 'cd'], 4)).toEqual({ text: 'abcd', truncated: false, totalChars: 4 });
    const cut = await kept(['ab', 'cd', 'e'], 4);
    expect(cut).toMatchObject({
      text: 'ab\n… (truncated 1 characters) …\nde',
      truncated: true,
      totalChars: 5,
    });
    expect(Buffer.from(await store.get(cut.ref!)).toString()).toBe('abcde');
  });

  test('may keep nothing but the count', async () => {
    expect(await kept(['hello'], 0)).toMatchObject({ text: '… (truncated 5 characters) …', totalChars: 5 });
    expect(await kept([], 0)).toEqual({ text: '', truncated: false, totalChars: 0 });
  });

  test('has the same text and whole however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 400 }), { maxLength: 20 }),
        fc.nat(300),
        async (pieces, limit) => {
          const [inPieces, atOnce] = [await kept(pieces, limit), await kept([pieces.join('')], limit)];
          expect(inPieces).toEqual(atOnce);
          expect(inPieces.totalChars).toBe(filterText(pieces.join('')).length);
          if (inPieces.ref)
            expect(Buffer.from(await store.get(inPieces.ref)).toString()).toBe(filterText(pieces.join('')));
        },
      ),
    );
  });

  test('stops at its cap', async () => {
    const keeper = new OutputKeeper(10, 1_000);
    keeper.push('word '.repeat(100));
    expect(keeper.overflowed).toBe(false);
    keeper.push('word '.repeat(200));
    expect(keeper.overflowed).toBe(true);
    expect((await keeper.end(store)).ref!.bytes).toBe(1_000);
  });
});

const SECRETS = [
  `e2b_${'0123456789abcdef'.repeat(2)}`,
  'AKIAIOSFODNN7EXAMPLE',
  `ghp_${'aB3'.repeat(12)}`,
  `sk-proj-${'Zz9'.repeat(10)}`,
  'Bearer abcdefghijklmnop.qrstuvwxyz012345',
  '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc==\n-----END RSA PRIVATE KEY-----',
];

describe('a filtered text', () => {
  test.each(SECRETS)('does not hold the secret %s, wherever it is cut', (secret) => {
    const text = `before ${secret} after\n`;
    const whole = filterText(text);
    expect(whole).toMatch(/^before (Bearer )?\[secret masked\] after\n$/);
    for (let at = 1; at < text.length; at++) {
      const filter = new TextFilter();
      expect(filter.push(text.slice(0, at)) + filter.push(text.slice(at)) + filter.end()).toBe(whole);
    }
  });

  test('masks a secret by its value', () => {
    const filter = new TextFilter(['hunter2-hunter2']);
    expect(filter.push('x=hunter2-') + filter.push('hunter2;') + filter.end()).toBe('x=[secret masked];');
  });

  test('has nothing that a terminal obeys, wherever it is cut', () => {
    const text = 'a\u001B[31mred\u001B[0m\u001B]0;title\u0007 b\u0000\u0008c\td\r\ne\u009B1mf';
    expect(filterText(text)).toBe('ared b\uFFFD\uFFFDc\td\r\nef');
    for (let at = 1; at < text.length; at++) {
      const filter = new TextFilter();
      expect(filter.push(text.slice(0, at)) + filter.push(text.slice(at)) + filter.end()).toBe(
        filterText(text),
      );
    }
  });

  test('leaves ordinary text alone', () => {
    const text = 'The task-force asked: is sk-learn fine? key=value AKIA e2b_ Bearer of news. 日本語 🙂\n';
    expect(filterText(text)).toBe(text);
  });

  test('lets a word without an end go on', () => {
    const filter = new TextFilter();
    let length = 0;
    for (let i = 0; i < 100; i++) length += filter.push('x'.repeat(10_000)).length;
    expect(length).toBeGreaterThan(990_000);
    expect(length + filter.end().length).toBe(1_000_000);
  });
});
