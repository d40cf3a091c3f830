import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assay, tempFolder } from '../support/assay.ts';
import { hostileItemResult, itemResultOf } from '../support/item-results.ts';

/** A file of results: the ids and verdicts of a batch. */
function resultsFile(verdicts: Record<string, string>): string {
  const line = ([id, verdict]: [string, string], index: number) =>
    JSON.stringify({
      ...{ id, index, verdict, jobId: `b/${id}`, language: 'python', template: 'default', labels: {} },
      startedAt: '2026-01-01T00:00:00.000Z',
      ...{ durationMs: 5, findings: [], artifacts: [], usage: { sandboxMs: 5, codeChars: 1 } },
      attempts: [
        {
          number: 1,
          startedAt: '2026-01-01T00:00:00.000Z',
          durationMs: 5,
          steps: [],
          verdict,
          ended: `<it ${verdict}>`,
        },
      ],
    });
  const path = join(tempFolder(), 'results.jsonl');
  writeFileSync(path, `${Object.entries(verdicts).map(line).join('\n')}\n`);
  return path;
}

test('a file of results is reported without a server', async () => {
  const path = resultsFile({ a: 'passed', b: 'failed' });
  const markdown = await assay(['batch', 'report', path]);
  expect(markdown).toMatchObject({ code: 0, stderr: '' });
  expect(markdown.stdout).toContain('**1 of 2 passed**');
  const junit = await assay(['batch', 'report', path, '--format', 'junit']);
  expect(junit.stdout).toContain('tests="2" failures="1"');
  expect(junit.stdout).toContain('&lt;it failed&gt;');
  const json = await assay(['batch', 'report', path, '--format', 'json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ total: 2, counts: { passed: 1, failed: 1 } });
  const out = join(tempFolder(), 'report.html');
  const html = await assay(['batch', 'report', path, '--format', 'html', '--out', out]);
  expect(html).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(readFileSync(out, 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
});

test('a batch in SARIF, and pass@k as asked for', async () => {
  const finding = {
    rule: 'syntax',
    severity: 'error',
    message: 'm',
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 2,
  };
  const items = [
    itemResultOf({ id: 'a/0', group: 'a' }),
    itemResultOf({ id: 'a/1', group: 'a', verdict: 'failed', findings: [finding as never] }),
    hostileItemResult(),
  ];
  const path = join(tempFolder(), 'results.jsonl');
  writeFileSync(path, items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  const sarif = await assay(['batch', 'report', path, '--format', 'sarif']);
  expect(JSON.parse(sarif.stdout).runs[0].results).toMatchObject([
    { ruleId: 'syntax', locations: [{ physicalLocation: { artifactLocation: { uri: 'a/1' } } }] },
    { level: 'note' },
  ]);
  const json = await assay(['batch', 'report', path, '--format', 'json', '--k', '1,2']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    passAtK: [
      { k: 1, estimate: 0.25 },
      { k: 2, estimate: 1 },
    ],
  });
});

test('two files are compared, and the exit code says whether something newly fails', async () => {
  const [before, after] = [
    resultsFile({ a: 'passed', b: 'failed' }),
    resultsFile({ a: 'failed', b: 'failed' }),
  ];
  const worse = await assay(['batch', 'diff', before, after, '--format', 'json']);
  expect(worse.code).toBe(1);
  expect(JSON.parse(worse.stdout)).toMatchObject({ newlyFailing: [{ id: 'a' }], newlyPassing: [] });
  expect((await assay(['batch', 'diff', after, before])).code).toBe(0);
  const text = await assay(['batch', 'diff', before, after, '--format', 'text']);
  expect(text.stdout).toContain('newly failing (1)\n  a  passed → failed: <it failed>');
  const html = await assay(['batch', 'diff', before, after, '--format', 'html']);
  expect(html.stdout).toContain('&lt;it failed&gt;');
  const out = join(tempFolder(), 'diff.md');
  expect(await assay(['batch', 'diff', before, after, '--out', out])).toMatchObject({ code: 1, stdout: '' });
  expect(readFileSync(out, 'utf8')).toContain('1 newly failing');
});

test('what was there before stays where a report fails, and nothing else is left', async () => {
  const folder = tempFolder();
  const [bad, out] = [join(folder, 'bad.jsonl'), join(folder, 'report.md')];
  writeFileSync(bad, `${readFileSync(resultsFile({ a: 'passed' }), 'utf8')}{"id": 1}\n`);
  writeFileSync(out, 'of yesterday');
  const { code, stderr } = await assay(['batch', 'report', bad, '--format', 'html', '--out', out]);
  expect(code, stderr).toBe(64);
  expect(readFileSync(out, 'utf8')).toBe('of yesterday');
  expect(readdirSync(folder).toSorted()).toEqual(['bad.jsonl', 'report.md']);
});

test('the folder of a batch is a source, and gives the report its title', async () => {
  const folder = join(tempFolder(), 'nightly');
  mkdirSync(folder);
  writeFileSync(join(folder, 'results.jsonl'), readFileSync(resultsFile({ a: 'passed' })));
  const { code, stdout } = await assay(['batch', 'report', `${folder}/`]);
  expect(code).toBe(0);
  expect(stdout).toContain('<code>nightly</code>');
});

test.for([
  [['report', 'x.jsonl', '--out', 'no/such/folder/x.html'], /^assay: .*no\/such\/folder is no folder/],
  [['report', 'x.jsonl', '--out', 'src'], /^assay: src is a folder; --out names a file/],
  [['report', './src/'], /^assay: .*src\/results.jsonl does not exist/],
  [['report', './package.json'], /^assay: .\/package.json is no file of results/],
  [['report', 'missing.jsonl'], /^assay: missing.jsonl does not exist/],
  [['report', 'x.jsonl', '--format', 'pdf'], /^assay: .*pdf/],
  [['report', 'x.jsonl', '--k', '0'], /^assay: .*whole numbers/],
] as const)('%s is refused in a sentence', async ([args, sentence]) => {
  const { code, stdout, stderr } = await assay(['batch', ...args], {
    cwd: join(import.meta.dirname, '..', '..'),
  });
  expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
  expect(stderr).toMatch(sentence);
});
