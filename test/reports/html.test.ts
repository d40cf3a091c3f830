import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { diffToHtml } from '../../src/reports/diff-html.ts';
import { diffResults } from '../../src/reports/diff.ts';
import { toHtml } from '../../src/reports/html.ts';
import type { HtmlOptions } from '../../src/reports/html.ts';
import { tempFolder } from '../support/assay.ts';
import { BROWSER, Page } from '../support/browser.ts';
import { HOSTILE, hostileItemResult, itemResultOf, streamOf, textOf } from '../support/item-results.ts';
import type { ItemResultParts } from '../support/item-results.ts';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC';
const html = (items: ItemResultParts[], options?: HtmlOptions) =>
  textOf(toHtml(streamOf(items.map(itemResultOf)), options));
const dataOf = (text: string) =>
  JSON.parse(/<script type="application\/json" id="items">([^<]*)<\/script>/.exec(text)?.[1] ?? '') as {
    stdout?: string;
    left?: string;
    code?: string;
  }[];

if (!BROWSER) console.log('html.test.ts: no Chromium on this machine, so pages are not opened in a browser');

async function openPage(text: string): Promise<Page> {
  const file = join(tempFolder(), 'report.html');
  writeFileSync(file, text);
  return await Page.open(pathToFileURL(file).href);
}

test('a page loads nothing, and runs one script that its policy names', async () => {
  const text = await textOf(toHtml(streamOf([hostileItemResult()]), { title: HOSTILE }));
  expect(text.match(/<script/g)).toHaveLength(3);
  expect(text.match(/<\/script>/g)).toHaveLength(3);
  expect(text).not.toContain('<!--');
  expect(text).toMatch(/content="default-src 'none'; [^"]*script-src 'sha256-[\w+/=]{44}';/);
  expect(text).not.toMatch(/<(link|img|iframe|object|embed|base)\b/);
  expect(text.isWellFormed()).toBe(true);
  expect(text).not.toContain('\0');
});

test('what is large is left out, passed items first', async () => {
  const items = [1, 2, 3].flatMap((n) => [
    { id: `good ${n}`, stdout: 'fine' },
    { id: `bad ${n}`, verdict: 'failed' as const, stdout: 'x'.repeat(1000) },
  ]);
  const few = dataOf(await html(items, { passedDetails: 2, codeOf: ({ id }) => `# ${id}` }));
  expect(few.map(({ left }) => left !== undefined)).toEqual([false, false, false, false, true, false]);
  expect(few[1]?.code).toBe('# bad 1');
  const small = dataOf(await html(items, { detailChars: 4000 }));
  expect(small.map(({ stdout }) => stdout !== undefined)).toEqual([true, true, true, true, false, false]);
});

test.runIf(BROWSER)('in a browser: filter, search, sort and open', { timeout: 60_000 }, async () => {
  const text = await html(
    [
      { id: 'slow', durationMs: 9000 },
      { id: 'bad', verdict: 'failed', sentence: 'assert 1 == 2', stdout: 'needle' },
      { id: 'quick', durationMs: 1 },
      {
        id: 'chart',
        group: 'plots',
        execution: {
          results: [{ main: true, data: { 'image/png': PNG, 'text/plain': '<Figure>' } }],
          stdout: { text: '', truncated: false, totalChars: 0 },
          stderr: { text: '', truncated: false, totalChars: 0 },
        },
      },
    ],
    { codeOf: ({ id }) => `# code of ${id}` },
  );
  await using page = await openPage(text);
  const ids = () =>
    page.evaluate(
      `[...document.querySelectorAll('#rows > tr > td:first-child > button')].map((b) => b.textContent).join()`,
    );
  const click = (selector: string) =>
    page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  expect(await ids()).toBe('slow,bad,quick,chart');
  expect(await page.evaluate('document.getElementById("lead").textContent')).toBe('3 of 4 passed (75.0 %)');
  await click('[data-verdict=failed]');
  expect(await ids()).toBe('bad');
  await click('[data-verdict=failed]');
  await click('#headings th:nth-child(5) button');
  expect(await ids()).toMatch(/^quick,.*,slow$/);
  await click('#headings th:nth-child(5) button');
  expect(await ids()).toMatch(/^slow,.*,quick$/);
  await page.evaluate(
    `{ const s = document.getElementById('search'); s.value = 'NEEDLE'; s.dispatchEvent(new Event('input')); }`,
  );
  expect(await ids()).toBe('bad');
  await click('#rows button');
  const detail = String(await page.evaluate('document.querySelector("tr.detail").innerText'));
  for (const part of ['Diagnosis: assertion', 'Mend it.', 'needle', '# code of bad'])
    expect(detail).toContain(part);
  await page.evaluate(
    `{ const s = document.getElementById('search'); s.value = 'chart'; s.dispatchEvent(new Event('input')); }`,
  );
  await click('#rows button');
  for (
    let tries = 0;
    tries < 100 && !(await page.evaluate('document.querySelector("img").complete'));
    tries += 1
  );
  expect(await page.evaluate('document.querySelector("img").naturalWidth')).toBe(10);
  expect(page.told.filter((told) => /error|Refused|violat/i.test(told))).toEqual([]);
});

test.runIf(BROWSER)('in a browser: hostile text stays text', { timeout: 60_000 }, async () => {
  const text = await textOf(
    toHtml(streamOf([hostileItemResult()]), { title: HOSTILE, codeOf: () => HOSTILE }),
  );
  await using page = await openPage(text);
  await page.evaluate('document.querySelector("#rows button").click()');
  expect(await page.evaluate('document.title')).toContain('</script><script>document.title="owned"');
  const shown = String(await page.evaluate('document.querySelector("tr.detail").textContent'));
  expect(shown).toContain('<img src=x onerror=alert(1)>');
  expect(shown).toContain('nul \\u0000 bell \\u0007 escape red');
  expect(shown).toContain('lone \\ud800 and \\udc00 surrogates');
  expect(await page.evaluate('document.querySelectorAll("img, a, #rows script, #rows b").length')).toBe(0);
  // The policy holds against what would come in by another way.
  await page.evaluate(
    `{ const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s); }`,
  );
  expect(await page.evaluate('window.owned')).toBeUndefined();
});

test('what changed, as a page without scripts', async () => {
  const hostile = hostileItemResult();
  const diff = await diffResults(streamOf([itemResultOf({ id: hostile.id })]), streamOf([hostile]));
  const text = diffToHtml(diff);
  expect(text).toContain('<b>newly failing</b> (1)');
  expect(text).toContain('passed → failed');
  expect(text).not.toMatch(/<(script|img|!--)/);
  expect(text.isWellFormed()).toBe(true);
  expect(text).not.toContain('\0');
});
