import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Sandbox, Secret, SecretNotFoundError } from 'e2b';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

const VALUE = 'value-that-nobody-sees-8813';
let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
const stateDir = mkdtempSync(join(tmpdir(), 'assay-test-secrets-'));

async function start(): Promise<void> {
  server = await startTestSandboxServer({ packages: false, stateDir });
  connection = server.connection;
}
beforeAll(start);
afterAll(async () => {
  await server.stop();
  rmSync(stateDir, { recursive: true });
});

test('secrets are made, found by id and name, changed and removed', async () => {
  const made = await Secret.create('Api-Key', VALUE, { ...connection, metadata: { env: 'test' } });
  expect(made).toMatchObject({ name: 'api-key', version: 1, metadata: { env: 'test' } });
  expect(made.secretId).toMatch(/^sec_/);
  expect(await Secret.getInfo(made.secretId, connection)).toEqual(made);
  expect(await Secret.getInfo('API-KEY', connection)).toEqual(made);
  await expect(Secret.create('api-KEY', 'x', connection)).rejects.toThrow(/409.*already/);
  const second = await Secret.update('api-key', `${VALUE}-2`, connection);
  expect(second).toMatchObject({ secretId: made.secretId, version: 2, metadata: { env: 'test' } });
  expect(second.updatedAt.getTime()).toBeGreaterThanOrEqual(made.updatedAt.getTime());
  const third = await Secret.update(made.secretId, VALUE, { ...connection, metadata: {} });
  expect(third).toMatchObject({ version: 3, metadata: {} });
  await expect(Secret.update('missing', 'x', connection)).rejects.toThrow(SecretNotFoundError);
  await expect(Secret.getInfo('missing', connection)).rejects.toThrow(SecretNotFoundError);
  expect(await Secret.exists('missing', connection)).toBe(false);
  expect(await Secret.destroy('api-key', connection)).toBe(true);
  expect(await Secret.destroy('api-key', connection)).toBe(false);
  expect(await Secret.exists(made.secretId, connection)).toBe(false);
});

test('they are listed in pages', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) await Secret.create(name, 'x', connection);
  const names: string[] = [];
  const pages = Secret.list({ ...connection, limit: 2 });
  while (pages.hasNext) {
    const page = await pages.nextItems();
    expect(page.length).toBeLessThanOrEqual(2);
    names.push(...page.map(({ name }) => name));
  }
  expect(names.toSorted()).toEqual(['page-a', 'page-b', 'page-c']);
});

test('names, values and metadata that cannot be are refused', async () => {
  const refused = async (
    name: string,
    value: string,
    metadata: Record<string, string>,
    words: RegExp,
  ): Promise<void> =>
    void (await expect(Secret.create(name, value, { ...connection, metadata })).rejects.toThrow(words));
  for (const name of ['{a', 'a}', 'a\nb', ' ', 'x'.repeat(257)])
    await refused(name, 'x', {}, /400.*secret's name/);
  await refused('SEC_a', 'x', {}, /cannot begin with 'sec_'/);
  await refused('large', 'x'.repeat(8193), {}, /400.*value/);
  await refused('empty', '', {}, /'value' is missing/);
  await refused(
    'many',
    'x',
    Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`${i}`, ''])),
    /metadata/,
  );
  await refused('long', 'x', { a: 'x'.repeat(1025) }, /metadata/);
  await refused(
    'sum',
    'x',
    Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}`, 'x'.repeat(1000)])),
    /metadata/,
  );
  const keyless = await fetch(`${server.url}/secrets`);
  expect(keyless.status).toBe(401);
});

test('a value survives a server that is killed, in a file of its own user alone, and is found nowhere else', async () => {
  await Secret.create('kept', VALUE, connection);
  const sandbox = await Sandbox.create(connection);
  const search = 'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"; ls -a / /run /tmp';
  expect((await sandbox.commands.run(search)).stdout).not.toContain(VALUE);
  const answers = await Promise.all(
    ['/secrets', '/secrets/kept'].map(async (path) => {
      const answer = await fetch(`${server.url}${path}`, { headers: { 'x-api-key': connection.apiKey } });
      return answer.text();
    }),
  );
  expect(answers.join('')).toContain('kept');
  expect(answers.join('')).not.toContain(VALUE);
  const path = join(stateDir, 'secrets.json');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await server.kill();
  expect(JSON.stringify(server.log)).not.toContain(VALUE);
  await start();
  expect(await Secret.getInfo('kept', connection)).toMatchObject({ version: 1 });
  expect(readFileSync(path, 'utf8')).toContain(VALUE);
});
