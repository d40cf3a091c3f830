import { readFileSync } from 'node:fs';
import { CHANGES } from './diff.ts';
import type { BatchDiff, Change } from './diff.ts';
import { CHANGE_TITLES, movementOf } from './diff-text.ts';
import { contentSecurityPolicy, htmlText, pageHead } from './html-text.ts';

export interface DiffHtmlOptions {
  /** Default: Assay: what changed */
  title?: string | undefined;
}

/** What changed between two batches, as a page of one file without any script. */
export function diffToHtml(diff: BatchDiff, { title = 'Assay: what changed' }: DiffHtmlOptions = {}): string {
  const { before, after } = diff;
  const style = readFileSync(new URL('page/report.css', import.meta.url), 'utf8');
  const changed = CHANGES.filter((change) => diff[change].length > 0);
  return [
    pageHead(title, style, contentSecurityPolicy()),
    `<h1>${htmlText(title)}</h1>`,
    `<p>${before.counts.passed} of ${before.total} passed before, ${after.counts.passed} of ${after.total} now.</p>`,
    ...(changed.length === 0 ? ['<p>Nothing changed.</p>'] : changed.map((change) => section(diff, change))),
    '</body>\n</html>\n',
  ].join('\n');
}

function section(diff: BatchDiff, change: Change): string {
  const rows = diff[change].map((item) => {
    const verdict = (item.after ?? item.before)?.verdict ?? 'error';
    return `<tr><td>${htmlText(item.id)}</td><td><span class="verdict ${verdict}">${htmlText(movementOf(item, change))}</span></td><td class="why">${htmlText(item.sentence)}</td></tr>`;
  });
  return `<details open><summary><b>${CHANGE_TITLES[change]}</b> (${rows.length})</summary>
<div class="table"><table><thead><tr><th>item</th><th>change</th><th>why</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div></details>`;
}
