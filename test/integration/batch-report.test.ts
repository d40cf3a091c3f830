import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assay, tempFolder } from '../support/assay.ts';
import { environmentOf, startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const report = (batch: string, ...args: string[]) =>
  assay(['batch', 'report', batch, ...args], { env: environmentOf(stack.config) });

test('a batch that runs is reported at its end, with the code of its items on the page', async () => {
  const rows = [
    { id: 'slow', language: 'python', code: 'import time\ntime.sleep(2)\nprint("slept <well>")' },
    { id: 'bad', language: 'python', code: 'raise ValueError("</script><b>no")' },
  ];
  const { batchId } = await stack.assay.batches.start({ rows }, { name: `report-${Date.now()}` });
  const out = join(tempFolder(), 'report.html');
  const page = await report(batchId, '--format', 'html', '--out', out);
  expect(page, page.stderr).toMatchObject({ code: 0, stdout: '' });
  const html = readFileSync(out, 'utf8');
  expect(html).toContain('time.sleep(2)');
  expect(html).not.toContain('</script><b>no');
  expect(html).toContain(`<h1>${batchId}</h1>`);
  const markdown = await report(batchId.replace('batch-', ''));
  expect(markdown.stdout).toContain('**1 of 2 passed**');
});

test('a folder of --out has all that the page of its batch shows, without a server', async () => {
  const folder = tempFolder();
  const rows = [
    { id: 'a', language: 'python', code: 'print("first of them")' },
    { id: 'none', language: 'cobol', code: 'nothing' },
    { id: 'b', language: 'python', code: `raise SystemExit("last")\n${'#'.repeat(20_000)}` },
  ];
  writeFileSync(join(folder, 'items.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  const env = environmentOf(stack.config);
  const args = ['batch', 'run', 'items.jsonl', '--skip-bad', '--out', 'res'];
  expect(await assay(args, { env, cwd: folder })).toMatchObject({ code: 3 });
  const page = await assay(['batch', 'report', 'res/', '--format', 'html'], { cwd: folder });
  expect(page).toMatchObject({ code: 0, stderr: '' });
  const [, items] = /id="items">([^]*?)<\/script>/.exec(page.stdout) ?? [];
  const codes = (JSON.parse(items ?? '') as { id: string; code?: string }[]).map(({ id, code }) => [
    id,
    code,
  ]);
  expect(codes).toEqual([
    ['a', rows[0]?.code],
    ['none', undefined],
    ['b', rows[2]?.code],
  ]);
});

test('a batch that is not there is said so', async () => {
  const { code, stderr } = await report('nobody-knows');
  expect(code).toBe(64);
  expect(stderr).toMatch(/^assay: There is no batch batch-nobody-knows/);
});
