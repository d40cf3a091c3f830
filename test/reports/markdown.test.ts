import { expect, test } from 'vitest';
import { inlineCode } from '../../src/reports/markdown-text.ts';
import { sentenceOf } from '../../src/reports/outcome-of-item.ts';
import { toMarkdown } from '../../src/reports/markdown.ts';
import { HOSTILE, hostileItemResult, itemResultOf, streamOf, textOf } from '../support/item-results.ts';

test('a summary has counts, pass@k and the first failures', async () => {
  const text = await textOf(
    toMarkdown(
      streamOf([
        itemResultOf({ group: 'a' }),
        itemResultOf({ group: 'a', verdict: 'failed', id: 'a/2', sentence: 'assert 1 == 2' }),
        itemResultOf({ group: 'b', cached: true }),
        itemResultOf({ group: 'b', verdict: 'error', id: 'b/2', sentence: 'No sandbox' }),
        itemResultOf({ verdict: 'rejected', id: 'c' }),
      ]),
      { title: 'nightly', maxFailures: 2 },
    ),
  );
  expect(text).toContain('### ⚠️ Assay: <code>nightly</code>');
  expect(text).toContain('**2 of 5 passed** (2 passed, 1 failed, 1 rejected, 1 error, 1 cached)');
  expect(text).toContain('| pass@1 | 75.0 % | 2 |');
  expect(text).toContain('| <code>a/2</code> | ❌ failed | <code>assert 1 == 2</code> |');
  expect(text).toContain('and 1 more that did not pass');
  expect(text).not.toContain('pass@10');
});

test('flaky items are told with their odds, also those that count as passed', async () => {
  const flaky = { runs: 8, verdicts: { passed: 5, failed: 3 } };
  const results = ['a', 'b'].map((id) => itemResultOf({ id, flaky, sentence: '1 of 1 tests passed' }));
  const text = await textOf(toMarkdown(streamOf([...results, itemResultOf()]), { maxFailures: 1 }));
  expect(text).toContain('| <code>a</code> | ✅ passed | 8 runs: 5 × passed, 3 × failed |');
  expect(text).toContain('and 1 more flaky ones');
  expect(sentenceOf(results[0]!)).toBe('1 of 1 tests passed (8 runs: 5 × passed, 3 × failed)');
});

test('hostile text makes no cell, line, tag, link or mention of its own', async () => {
  const text = await textOf(toMarkdown(streamOf([hostileItemResult()]), { title: HOSTILE }));
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  // Titles, rule and one row, of each of two tables.
  expect(rows).toHaveLength(6);
  for (const row of rows) expect(row.match(/\|/g)).toHaveLength(4);
  const own = text
    .replaceAll(/<\/?code>/g, '')
    .replaceAll(/&#\d+;/g, '')
    .replaceAll('pass@', '');
  expect(own).not.toMatch(/[<>`@[\]\\]/);
  // eslint-disable-next-line no-control-regex
  expect(own).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  expect(own.isWellFormed()).toBe(true);
});

test('a long text is cut between characters', () => {
  expect(inlineCode('😀'.repeat(300), 3)).toBe('<code>😀😀😀…</code>');
  expect(inlineCode('x'.repeat(200))).toBe(`<code>${'x'.repeat(200)}</code>`);
});
