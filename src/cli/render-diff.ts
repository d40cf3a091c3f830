import { CHANGES } from '../reports/diff.ts';
import type { BatchDiff } from '../reports/diff.ts';
import { CHANGE_TITLES, movementOf } from '../reports/diff-text.ts';
import { printableLine } from './printable.ts';
import { style } from './style.ts';

/** Lines of each list. */
const LINES_TOLD = 50;

/** What changed between two batches, for a terminal. */
export function renderDiff(diff: BatchDiff): string {
  const { before, after } = diff;
  const lines = [
    `${before.counts.passed} of ${before.total} passed before, ${after.counts.passed} of ${after.total} now`,
  ];
  for (const change of CHANGES) {
    const items = diff[change];
    if (items.length === 0) continue;
    lines.push('', style('bold', `${CHANGE_TITLES[change]} (${items.length})`));
    for (const item of items.slice(0, LINES_TOLD)) {
      const why = item.sentence === '' ? '' : `: ${printableLine(item.sentence).slice(0, 200)}`;
      lines.push(`  ${printableLine(item.id)}  ${movementOf(item, change)}${why}`);
    }
    if (items.length > LINES_TOLD) lines.push(`  and ${items.length - LINES_TOLD} more`);
  }
  if (lines.length === 1) lines.push('nothing changed');
  return `${lines.join('\n')}\n`;
}
