import type { ItemResult } from '../domain/batch.ts';
import { oddsOf } from './outcome-of-item.ts';
import { inlineCode, markdownTable } from './markdown-text.ts';
import { summarize } from './summary.ts';
import type { Summary, SummaryOptions } from './summary.ts';

export interface MarkdownOptions extends SummaryOptions {
  /** Default: none */
  title?: string | undefined;
}

const MARKS = { passed: '✅', failed: '❌', rejected: '⛔', error: '⚠️' } as const;

/** A summary for a pull request: counts, pass@k, and a table of the first items that did not pass. */
export async function* toMarkdown(
  results: AsyncIterable<ItemResult>,
  options: MarkdownOptions = {},
): AsyncGenerator<string, void, undefined> {
  yield renderSummary(await summarize(results, options), options.title);
}

function renderSummary(
  { total, counts, failures, flaky = [], passAtK = [] }: Summary,
  title?: string,
): string {
  const notPassed = total - counts.passed;
  const parts = Object.entries(counts).filter(([name, number]) => number > 0 || name === 'passed');
  const mark = MARKS[counts.error > 0 ? 'error' : notPassed > 0 ? 'failed' : 'passed'];
  return [
    `### ${mark} Assay${title === undefined ? '' : `: ${inlineCode(title)}`}`,
    `**${counts.passed} of ${total} passed** (${parts.map(([name, number]) => `${number} ${name}`).join(', ')})`,
    ...(passAtK.length > 0
      ? [
          markdownTable(
            ['pass@k', 'estimate', 'groups'],
            passAtK.map(({ k, estimate, groups, groupsLeftOut }) => [
              `pass@${k}`,
              estimate === undefined ? 'too few samples' : `${(estimate * 100).toFixed(1)} %`,
              groupsLeftOut > 0 ? `${groups} (${groupsLeftOut} with fewer samples left out)` : String(groups),
            ]),
          ),
        ]
      : []),
    ...(failures.length > 0
      ? [
          markdownTable(
            ['item', 'verdict', 'why'],
            failures.map(({ id, verdict, sentence }) => [
              inlineCode(id, 120),
              `${MARKS[verdict]} ${verdict}`,
              inlineCode(sentence),
            ]),
          ),
        ]
      : []),
    ...(notPassed > failures.length ? [`and ${notPassed - failures.length} more that did not pass`] : []),
    ...(flaky.length > 0
      ? [
          markdownTable(
            ['flaky item', 'verdict', 'odds'],
            flaky.map(({ id, verdict, ...odds }) => [
              inlineCode(id, 120),
              `${MARKS[verdict]} ${verdict}`,
              oddsOf(odds),
            ]),
          ),
        ]
      : []),
    ...(counts.flaky > flaky.length ? [`and ${counts.flaky - flaky.length} more flaky ones`] : []),
    '',
  ].join('\n\n');
}
