import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];

beforeAll(async () => {
  server = await startTestSandboxServer({ args: ['--warm', '2', '--max-sandboxes', '3'] });
  connection = server.connection;
});
afterAll(() => server.stop());

test('sandboxes that were started beforehand are like any other, each with variables of its own', async () => {
  const made = [];
  for (const COLOUR of ['green', 'red', undefined]) {
    const sandbox = await Sandbox.create({ ...connection, envs: COLOUR === undefined ? {} : { COLOUR } });
    made.push(sandbox);
    const code = 'import os, pandas; os.environ.get("COLOUR", "none")';
    expect((await sandbox.runCode(code)).text).toBe(COLOUR ?? 'none');
    expect((await sandbox.commands.run('echo ${COLOUR:-none}')).stdout.trim()).toBe(COLOUR ?? 'none');
  }
  expect(new Set(made.map(({ sandboxId }) => sandboxId)).size).toBe(3);
  await expect(Sandbox.create(connection)).rejects.toThrow('at most 3');
  expect(await Sandbox.list(connection).nextItems()).toHaveLength(3);
  for (const sandbox of made) expect(await sandbox.kill()).toBe(true);
});

test('their random numbers differ', async () => {
  const numbers = await Promise.all(
    [1, 2].map(async () => {
      const sandbox = await Sandbox.create(connection);
      const { text } = await sandbox.runCode('import random, numpy; (random.random(), numpy.random.rand())');
      await sandbox.kill();
      return text;
    }),
  );
  expect(numbers[0]).not.toBe(numbers[1]);
});
