import { readFileSync } from 'node:fs';
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

test('a batch that is not there is said so', async () => {
  const { code, stderr } = await report('nobody-knows');
  expect(code).toBe(64);
  expect(stderr).toMatch(/^assay: There is no batch batch-nobody-knows/);
});
