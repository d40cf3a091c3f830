import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { assay, tempFolder } from '../support/assay.ts';
import { environmentOf, startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
let items: string;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => {
  items = join(tempFolder(), 'items.jsonl');
  const row = (at: number) => ({
    id: `i${at}`,
    language: 'python',
    code: `import time\ntime.sleep(0.6)\nprint(${at})`,
  });
  writeFileSync(items, Array.from({ length: 12 }, (_, at) => JSON.stringify(row(at))).join('\n'));
});

test('Ctrl-C leaves the batch to its server, says how to watch it again, and exits 130', async () => {
  const name = `left-${Date.now()}`;
  const { code, stderr } = await assay(['batch', 'run', items, '--name', name, '--json', '--no-cache'], {
    env: environmentOf(stack.config),
    onStart: (child) =>
      void child.stderr?.on('data', (text: string) => text.includes('running') && child.kill('SIGINT')),
  });
  expect(code, stderr).toBe(130);
  expect(stderr).toContain(`assay batch watch batch-${name}`);
  expect(await stack.assay.batches.get(name).result()).toMatchObject({ state: 'done', done: 12 });
});

test('--detach prints the id and leaves; watch shows it to its end', async () => {
  const name = `detached-${Date.now()}`;
  const env = environmentOf(stack.config);
  const left = await assay(['batch', 'run', items, '--name', name, '--detach', '--no-cache'], { env });
  expect(left, left.stderr).toMatchObject({ code: 0, stdout: `batch-${name}\n` });
  const watched = await assay(['batch', 'watch', name, '--json'], { env });
  expect(watched.code).toBe(0);
  const ids = watched.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).id);
  expect(ids).toEqual(Array.from({ length: 12 }, (_, at) => `i${at}`));
});
