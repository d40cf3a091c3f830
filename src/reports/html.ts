import { readFileSync } from 'node:fs';
import type { ItemResult } from '../domain/batch.ts';
import { contentSecurityPolicy, htmlText, jsonForScript, pageHead } from './html-text.ts';
import { detailOfItem, rowOfItem } from './html-item.ts';
import { Tally } from './summary.ts';

export interface HtmlOptions {
  /** Default: Assay */
  title?: string | undefined;
  /** Default: 1, 10 and 100, as far as the groups have so many samples */
  ks?: readonly number[] | undefined;
  /** The code of an item. Default: the page shows no code */
  codeOf?: ((result: ItemResult) => Promise<string | undefined> | string | undefined) | undefined;
  /** Passed items that are embedded with their code and outputs; the rest have a row. Default: 500 */
  passedDetails?: number | undefined;
  /** Code and outputs that are embedded, in characters; items after that have a row. Default: 64 Mi */
  detailChars?: number | undefined;
}

const read = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');

/** A page of one file that needs nothing besides itself: filter, search, sort, and each item's code, output and diagnosis. */
export async function* toHtml(
  results: AsyncIterable<ItemResult>,
  options: HtmlOptions = {},
): AsyncGenerator<string, void, undefined> {
  const { title = 'Assay', ks, codeOf, passedDetails = 500, detailChars = 64 * 1024 * 1024 } = options;
  const script = `\n${read('report.js')}`;
  yield pageHead(title, read('report.css'), contentSecurityPolicy(script));
  yield BODY.replace('TITLE', () => htmlText(title));
  yield '<script type="application/json" id="items">[';
  const tally = new Tally();
  let chars = 0;
  let passed = 0;
  for await (const result of results) {
    const separator = tally.total === 0 ? '\n' : ',\n';
    tally.add(result);
    const left =
      result.verdict === 'passed' && ++passed > passedDetails
        ? `Code and outputs of passed items after the first ${passedDetails} were left out`
        : chars > detailChars
          ? 'Code and outputs were left out, since the page is large'
          : undefined;
    const detail = left === undefined ? detailOfItem(result, await codeOf?.(result)) : { left };
    const json = jsonForScript({ ...rowOfItem(result), ...detail });
    if (left === undefined) chars += json.length;
    yield separator + json;
  }
  const { total, counts } = tally;
  const passAtK = tally.passAtK(ks ?? [1, 10, 100]);
  yield `\n]</script>
<script type="application/json" id="summary">${jsonForScript({ total, counts, passAtK })}</script>
<script>${script}</script>
</body>
</html>
`;
}

const BODY = `<header>
<h1>TITLE</h1>
<div id="lead"></div>
<div id="estimates" class="faint"></div>
<div id="bar" class="bar"></div>
</header>
<noscript><p>This page needs JavaScript to show its items; it loads nothing from elsewhere.</p></noscript>
<div class="tools"><span id="filters" class="tools" role="group" aria-label="Filter by verdict"></span>
<input type="search" id="search" placeholder="Search ids, reasons, code and output" aria-label="Search">
<span id="count" class="faint" role="status"></span></div>
<div class="table"><table>
<thead><tr id="headings"></tr></thead>
<tbody id="rows"></tbody>
</table></div>
<p class="more"><button id="more" hidden>Show more</button></p>
`;
