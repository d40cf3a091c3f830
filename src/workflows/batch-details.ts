import type { BatchProgress } from '../domain/batch.ts';
import { plain } from './details.ts';

const BAR_CELLS = 30;

/** A batch as Markdown, for the Web UI: how far it is, its counts, and what did not pass last. */
export function batchDetails(progress: BatchProgress): string {
  const { state, done, total, counts, failures, itemsPerSecond } = progress;
  const filled = total === 0 ? BAR_CELLS : Math.floor((done / total) * BAR_CELLS);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
  const rate = itemsPerSecond === undefined ? '' : `, ${itemsPerSecond} items/s`;
  const { passed, failed, rejected, error, cached, flaky } = counts;
  const rows = failures.map(
    ({ id, verdict, sentence }) => `| ${plain(id)} | ${verdict} | ${plain(sentence)} |`,
  );
  return [
    `**${state}** \`${bar}\` ${done} of ${total}${rate}`,
    '',
    '| passed | failed | rejected | error | cached | flaky |',
    '|---|---|---|---|---|---|',
    `| ${passed} | ${failed} | ${rejected} | ${error} | ${cached} | ${flaky} |`,
    ...(rows.length === 0 ? [] : ['', '| did not pass last | verdict | why |', '|---|---|---|', ...rows]),
  ].join('\n');
}
