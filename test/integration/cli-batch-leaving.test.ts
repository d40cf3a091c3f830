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

test('a reader that has gone leaves the batch to its server too, and exits 141', async () => {
  const name = `unread-${Date.now()}`;
  const env = environmentOf(stack.config);
  const unread = (args: string[]) =>
    assay(['batch', ...args], { env, onStart: (child) => void child.stdout?.destroy() });
  const { code, stderr } = await unread(['run', items, '--name', name, '--json', '--no-cache']);
  expect(code, stderr).toBe(141);
  expect(stderr).toContain(`the batch goes on: assay batch watch batch-${name}`);
  expect(await stack.assay.batches.get(name).result()).toMatchObject({ state: 'done', done: 12 });
  const quietly = { code: 141, stderr: '' };
  expect(await unread(['results', name])).toMatchObject(quietly);
  expect(await unread(['report', name, '--format', 'html'])).toMatchObject(quietly);
  expect(await unread(['diff', name, name])).toMatchObject(quietly);
  expect(await unread(['list'])).toMatchObject(quietly);
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

test('update changes how many shards of a running batch are at work at once', async () => {
  const name = `updated-${Date.now()}`;
  const env = environmentOf(stack.config);
  const args = ['batch', 'run', items, '--name', name, '--concurrency', '1', '--detach', '--no-cache'];
  expect(await assay(args, { env })).toMatchObject({ code: 0 });
  const updated = await assay(['batch', 'update', name, '--concurrency', '2'], { env });
  expect(updated, updated.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('of 12') });
  const handle = stack.assay.batches.get(name);
  expect(await handle.progress()).toMatchObject({ concurrency: 2 });
  const results = await Array.fromAsync(handle.results());
  const times = results.map(({ startedAt, durationMs }) => [Date.parse(startedAt), durationMs] as const);
  // One shard runs its items one after the other.
  const together = times.filter(([from]) =>
    times.some(([other, ms]) => other < from && from < other + ms - 100),
  );
  expect(together.length).toBeGreaterThan(0);

  const late = await assay(['batch', 'update', name, '--concurrency', '3'], { env });
  expect(late).toMatchObject({ code: 64, stderr: `assay: The batch batch-${name} is over already\n` });
});

test('retry refuses a batch that is not over', async () => {
  const rows = Array.from({ length: 9 }, (_, at) => ({
    id: `i${at}`,
    language: 'python',
    code: 'import time\ntime.sleep(1)',
  }));
  const handle = await stack.assay.batches.start({ rows }, { concurrency: 1, cache: false });
  await handle.pause();
  const retried = await assay(['batch', 'retry', handle.batchId], { env: environmentOf(stack.config) });
  expect(retried).toMatchObject({ code: 64, stderr: expect.stringContaining(`${handle.batchId} is paused`) });
  await handle.cancel();
});
