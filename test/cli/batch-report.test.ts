import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assay, tempFolder } from '../support/assay.ts';

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
});

test.for([
  [['report', 'missing.jsonl'], /^assay: missing.jsonl does not exist/],
  [['report', 'package.json'], /^assay: package.json is no file of results/],
  [['report', 'x.jsonl', '--format', 'pdf'], /^assay: .*pdf/],
] as const)('%s is refused in a sentence', async ([args, sentence]) => {
  const { code, stdout, stderr } = await assay(['batch', ...args], {
    cwd: join(import.meta.dirname, '..', '..'),
  });
  expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
  expect(stderr).toMatch(sentence);
});
