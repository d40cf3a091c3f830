import { expect, test } from 'vitest';
import { fromContent, textOfContent, toContent } from '../../src/store/content.ts';
import { openStore } from '../../src/store/open-store.ts';

const store = openStore('memory://');

test.each([0, 5, 16 * 1024, 16 * 1024 + 1, 300_000])('a text of %i characters comes back', async (length) => {
  const text = 'x'.repeat(length);
  const content = await toContent(text, store);
  expect('blob' in content).toBe(length > 16 * 1024);
  expect(await textOfContent(content, store)).toBe(text);
});

test('bytes that are no text come back, small and large', async () => {
  for (const size of [4, 40_000]) {
    const bytes = new Uint8Array(size).fill(0xff);
    expect(Buffer.from(await fromContent(await toContent(bytes, store), store)).equals(bytes)).toBe(true);
  }
});
