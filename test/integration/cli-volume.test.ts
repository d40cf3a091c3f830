import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { assay, type Outcome, type RunOptions } from '../support/assay.ts';
import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let folder: string;
beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  folder = join(server.stateDir, 'files');
  mkdirSync(join(folder, 'in', 'below'), { recursive: true });
  writeFileSync(join(folder, 'in', 'a.txt'), 'a');
  writeFileSync(join(folder, 'in', 'below', 'b.txt'), 'bb');
});
afterAll(() => server.stop());

const cli = (args: string[], options?: RunOptions): Promise<Outcome> =>
  assay([...args, '--state', server.stateDir], options);

test('volume create, list, cp and remove work on the server that runs here', async () => {
  const id = (await cli(['volume', 'create', 'corpus'])).stdout.trim();
  expect((await cli(['volume', 'create', 'corpus'])).stderr).toContain('already');
  expect(JSON.parse((await cli(['volume', 'list', '--json'])).stdout)).toEqual([
    { volumeId: id, name: 'corpus' },
  ]);
  expect((await cli(['volume', 'cp', join(folder, 'in'), 'corpus:/kept'])).stderr).toBe('2 files, 3 bytes\n');
  const sandbox = (await cli(['sandbox', 'create', '--volume', 'corpus:/mnt/data'])).stdout.trim();
  const told = await cli([
    'sandbox',
    'exec',
    sandbox,
    'cat /mnt/data/kept/below/b.txt; ln -s / /mnt/data/kept/root',
  ]);
  expect(told.stdout).toBe('bb');
  expect((await cli(['volume', 'cp', 'corpus:kept', join(folder, 'out')])).stderr).toBe('2 files, 3 bytes\n');
  expect(readFileSync(join(folder, 'out', 'below', 'b.txt'), 'utf8')).toBe('bb');
  expect((await cli(['volume', 'cp', `${id}:nothing`, folder])).stderr).toContain('there is no nothing');
  await cli(['sandbox', 'kill', sandbox]);
  expect((await cli(['volume', 'remove', 'corpus'])).stdout).toBe('corpus\n');
  expect(await cli(['volume', 'remove', 'corpus'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('there is no volume corpus'),
  });
  expect((await cli(['volume', 'list'])).stdout).toBe('no volumes\n');
  rmSync(folder, { recursive: true });
});

test('secret create, update, list and remove never show a value', async () => {
  const id = (
    await cli(['secret', 'create', 'api-key', '--metadata', 'env=test'], { input: 'hidden-41\n' })
  ).stdout.trim();
  const updated = await cli(['secret', 'update', 'api-key', '--json'], { input: 'hidden-42' });
  expect(JSON.parse(updated.stdout)).toMatchObject({ secretId: id, version: 2, metadata: { env: 'test' } });
  const listed = await cli(['secret', 'list']);
  expect(listed.stdout).toMatch(/^SECRET +ID +VERSION .*\napi-key +sec_\w+ +2 /);
  expect(updated.stdout + listed.stdout).not.toContain('hidden');
  expect(readFileSync(join(server.stateDir, 'secrets.json'), 'utf8')).toContain('"hidden-42"');
  expect((await cli(['secret', 'remove', 'api-key'])).stdout).toBe('api-key\n');
  expect(await cli(['secret', 'remove', 'api-key'])).toMatchObject({ code: 64 });
});
