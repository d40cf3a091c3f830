import { expect, test } from 'vitest';
import { diffToMarkdown } from '../../src/reports/diff-markdown.ts';
import { CHANGES, diffResults } from '../../src/reports/diff.ts';
import { hostileItemResult, itemResultOf, streamOf } from '../support/item-results.ts';
import type { ItemResultParts } from '../support/item-results.ts';

const diffOf = (before: ItemResultParts[], after: ItemResultParts[]) =>
  diffResults(streamOf(before.map(itemResultOf)), streamOf(after.map(itemResultOf)));

/** Names of the lists that an item of both batches is in. */
async function changesOf(before: ItemResultParts, after: ItemResultParts): Promise<string[]> {
  const diff = await diffOf([{ id: 'x', ...before }], [{ id: 'x', ...after }]);
  return CHANGES.filter((change) => diff[change].length > 0);
}

/** An item whose test took so long, after a sandbox was opened for it. */
const tested = (durationMs: number, openMs: number): ItemResultParts => {
  const startedAt = '2026-01-02T03:04:05.678Z';
  const step = { name: 'test', startedAt, durationMs, outcome: 'ok' } as const;
  const attempt = { number: 1, startedAt, durationMs: openMs + durationMs, steps: [step] };
  return {
    durationMs: openMs + durationMs,
    attempts: [{ ...attempt, verdict: 'passed', ended: 'It has passed' }],
  };
};

const flaky = { runs: 3, verdicts: { passed: 2, failed: 1 } };

test.each<[string, ItemResultParts, ItemResultParts, string[]]>([
  ['nothing', {}, {}, []],
  ['passed, failed', {}, { verdict: 'failed' }, ['newlyFailing']],
  ['passed, rejected', {}, { verdict: 'rejected' }, ['newlyFailing']],
  ['error, failed', { verdict: 'error' }, { verdict: 'failed' }, ['newlyFailing']],
  ['failed, rejected', { verdict: 'failed' }, { verdict: 'rejected' }, []],
  ['failed, passed', { verdict: 'failed' }, {}, ['newlyPassing']],
  ['error, passed', { verdict: 'error' }, {}, ['newlyPassing']],
  ['failed, error', { verdict: 'failed' }, { verdict: 'error' }, ['newlyError']],
  ['flaky', {}, { flaky }, ['newlyFlaky']],
  ['flaky still', { flaky }, { flaky }, []],
  ['twice the time and 100 ms more', { durationMs: 100 }, { durationMs: 200 }, ['newlySlow']],
  ['less than twice the time', { durationMs: 1000 }, { durationMs: 1999 }, []],
  ['less than 100 ms more', { durationMs: 10 }, { durationMs: 109 }, []],
  ['a sandbox that had to be opened', tested(30, 0), tested(30, 400), []],
  ['a slow test, where the sandbox was quicker', tested(30, 400), tested(330, 0), ['newlySlow']],
  ['the time of a recorded verdict', { durationMs: 10 }, { durationMs: 900, cached: true }, []],
  [
    'the time of other work',
    { durationMs: 10, verdict: 'failed' },
    { durationMs: 900, verdict: 'failed' },
    [],
  ],
  ['failing and flaky', {}, { verdict: 'failed', flaky }, ['newlyFailing', 'newlyFlaky']],
])('%s', async (_, before, after, expected) => {
  expect(await changesOf(before, after)).toEqual(expected);
});

test('items are told by their ids, whatever their places', async () => {
  const diff = await diffOf(
    [{ id: 'a' }, { id: 'b', verdict: 'failed', sentence: 'b broke' }, { id: '__proto__' }],
    [{ id: 'c' }, { id: '__proto__', verdict: 'failed' }, { id: 'a' }],
  );
  expect(diff.added.map(({ id }) => id)).toEqual(['c']);
  expect(diff.removed).toMatchObject([{ id: 'b', before: { verdict: 'failed' }, sentence: 'b broke' }]);
  expect(diff.newlyFailing.map(({ id }) => id)).toEqual(['__proto__']);
  expect(diff).toMatchObject({ before: { total: 3, counts: { passed: 2 } }, after: { total: 3 } });
});

test('as Markdown: lists are capped, and hostile text is text', async () => {
  const hostile = hostileItemResult();
  const passing = itemResultOf({ id: hostile.id });
  const diff = await diffResults(
    streamOf([passing]),
    streamOf([hostile, ...['p', 'q', 'r'].map((id) => itemResultOf({ id }))]),
  );
  const text = diffToMarkdown(diff, { maxRows: 2 });
  expect(text).toContain('**1 of 1 passed before, 3 of 4 now**: 1 newly failing, 3 added');
  expect(text).toContain('passed → failed');
  expect(text).toContain('and 1 more');
  for (const row of text.split('\n').filter((line) => line.startsWith('|')))
    expect(row.match(/\|/g)).toHaveLength(4);
  expect(text).not.toContain('<img');
});
