import { expect, test } from 'vitest';
import { BatchBar, progressLine } from '../../src/cli/batch-progress.ts';
import type { BatchProgress } from '../../src/domain/batch.ts';

const progress: BatchProgress = {
  ...{ batchId: 'batch-b', state: 'running', total: 600, done: 300, itemsPerSecond: 29.4 },
  counts: { passed: 200, failed: 100, rejected: 0, error: 0, cached: 0, flaky: 0 },
  ...{ failures: [], startedAt: '2026-01-02T03:04:05.678Z', elapsedMs: 1, concurrency: 3 },
};

/** What a terminal of such a width is sent. */
function sent(columns: number, use: (bar: BatchBar) => void): string[] {
  const texts: string[] = [];
  const stream = { isTTY: true, columns, write: (text: string) => texts.push(text) };
  using bar = new BatchBar(stream as unknown as NodeJS.WriteStream);
  use(bar);
  return texts;
}

test('a bar fits into one row of its terminal, the words before the cells', () => {
  const wide = progressLine(progress);
  for (const columns of [200, 80, 40, 20]) {
    const [line = ''] = sent(columns, (bar) => bar.show(progress));
    expect(line.length).toBe(Math.min(columns - 1, wide.length));
  }
  const [narrow] = sent(80, (bar) => bar.show(progress));
  expect(narrow).toContain('█░');
  expect(narrow).toMatch(/29\.4 items\/s, 10\.\d s left$/);
  expect(sent(200, (bar) => bar.show(progress))[0]).toBe(wide);
});

test('what stays is written where the bar was', () => {
  const texts = sent(200, (bar) => {
    bar.show(progress);
    bar.say('… and 3 more');
  });
  expect(texts.slice(1)).toEqual(['\r\u001b[K', '… and 3 more\n']);
});
