import { CHANGES } from './diff.ts';
import type { BatchDiff } from './diff.ts';
import { CHANGE_TITLES, movementOf } from './diff-text.ts';
import { inlineCode, markdownTable } from './markdown-text.ts';

export interface DiffMarkdownOptions {
  /** Rows of each list. Default: 50 */
  maxRows?: number | undefined;
}

/** What changed between two batches, for a pull request. */
export function diffToMarkdown(diff: BatchDiff, { maxRows = 50 }: DiffMarkdownOptions = {}): string {
  const { before, after } = diff;
  const changed = CHANGES.filter((change) => diff[change].length > 0);
  const bad = diff.newlyFailing.length + diff.newlyError.length > 0;
  return [
    `### ${bad ? '❌' : '✅'} Assay: what changed`,
    `**${before.counts.passed} of ${before.total} passed before, ${after.counts.passed} of ${after.total} now**: ${
      changed.map((change) => `${diff[change].length} ${CHANGE_TITLES[change]}`).join(', ') ||
      'nothing changed'
    }`,
    ...changed.flatMap((change) => [
      `#### ${CHANGE_TITLES[change]} (${diff[change].length})`,
      markdownTable(
        ['item', 'change', 'why'],
        diff[change]
          .slice(0, maxRows)
          .map((item) => [
            inlineCode(item.id, 120),
            movementOf(item, change),
            item.sentence === '' ? '' : inlineCode(item.sentence),
          ]),
      ),
      ...(diff[change].length > maxRows ? [`and ${diff[change].length - maxRows} more`] : []),
    ]),
    '',
  ].join('\n\n');
}
