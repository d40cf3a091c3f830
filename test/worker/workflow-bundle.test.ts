import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'assay-test-bundle-'));
});
afterAll(() => rm(home, { recursive: true }));

test('is built once and then taken as it is', async () => {
  const { codePath } = await workflowBundle(home);
  const built = await stat(codePath);
  expect(await workflowBundle(home)).toEqual({ codePath });
  expect((await stat(codePath)).mtimeMs).toBe(built.mtimeMs);
  expect(await readdir(join(home, 'cache'))).toHaveLength(1);
});

test('holds the workflows and no schemas', async () => {
  const { codePath } = await workflowBundle(home);
  const code = await readFile(codePath, 'utf8');
  expect(code).toContain('agentJob');
  expect(code).not.toContain('zod');
});

test('is built elsewhere where its home cannot be written', async () => {
  const file = join(home, 'file');
  await writeFile(file, '');
  const { codePath } = await workflowBundle(join(file, 'home'));
  expect(await readFile(codePath, 'utf8')).toContain('agentJob');
  await rm(join(codePath, '..'), { recursive: true });
});
