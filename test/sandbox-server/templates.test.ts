import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  BuildError,
  Sandbox,
  Template,
  waitForFile,
  waitForPort,
  waitForURL,
  type LogEntry,
} from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { assayHome } from '../../src/home.ts';
import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
const context = mkdtempSync(join(tmpdir(), 'assay-test-context-'));
const stateDir = mkdtempSync(join(tmpdir(), 'assay-test-templates-'));

async function start(): Promise<void> {
  server = await startTestSandboxServer({ packages: false, stateDir });
  connection = server.connection;
}
beforeAll(async () => {
  mkdirSync(join(context, 'folder', 'deep'), { recursive: true });
  writeFileSync(join(context, 'folder', 'one.txt'), 'one\n');
  writeFileSync(join(context, 'folder', 'two.txt'), 'two\n');
  writeFileSync(join(context, 'folder', 'deep', '.hidden'), 'hidden\n');
  writeFileSync(join(context, 'run.sh'), 'echo ran\n');
  await start();
});
afterAll(async () => {
  await server.stop();
  for (const path of [context, stateDir]) rmSync(path, { recursive: true });
});

async function build(
  template: Parameters<typeof Template.build>[0],
  name: string,
  options: { tags?: string[] } = {},
): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  await Template.build(template, name, {
    ...connection,
    ...options,
    onBuildLogs: (entry) => log.push(entry),
  });
  return log;
}

const fresh = () => Template({ fileContextPath: context }).fromTemplate('default');

test('a template has the files, variables, folders and commands of its steps', async () => {
  const template = fresh()
    .setEnvs({ COLOUR: 'dark green', QUOTE: `it's "$HOME"` })
    .setWorkdir('/app')
    .copy('folder', 'copied')
    .copy('folder/*.txt', 'texts')
    .copy('run.sh', 'bin/', { mode: 0o755 })
    .copy('run.sh', '/app/renamed.sh')
    .runCmd('cat copied/one.txt texts/two.txt > both.txt')
    .runCmd(['echo "$COLOUR" > colour.txt', 'echo "$QUOTE" >> colour.txt'], { user: 'root' });
  const log = await build(template, 'steps');
  expect(log.map(({ message }) => message)).toContain('[2/8] WORKDIR /app');

  const sandbox = await Sandbox.create('steps', connection);
  const found = await sandbox.commands.run(
    'pwd; cat both.txt colour.txt copied/deep/.hidden; ls texts; stat -c %a bin/run.sh; bash renamed.sh; echo $COLOUR',
  );
  expect(found.stdout).toBe(
    `/app\none\ntwo\ndark green\nit's "$HOME"\nhidden\none.txt\ntwo.txt\n755\nran\ndark green\n`,
  );
  await sandbox.files.write('/app/more.txt', 'more');
  const { snapshotId } = await sandbox.createSnapshot();
  const again = await Sandbox.create(snapshotId, connection);
  expect((await again.commands.run('cat more.txt; echo $COLOUR')).stdout).toBe('moredark green\n');
  await Promise.all([sandbox.kill(), again.kill()]);
});

test('a template can be made of another, and starts with its command', async () => {
  const template = Template()
    .fromTemplate('steps')
    .runCmd('echo served > index.html')
    .setStartCmd('python3 -m http.server 8080', waitForPort(8080));
  await build(template, 'served');
  const sandbox = await Sandbox.create('served', connection);
  const page = await fetch(`${server.url}/sandboxes/${sandbox.sandboxId}/ports/8080/index.html`);
  expect(await page.text()).toBe('served\n');
  await sandbox.kill();
});

test('folders under / are there for makeDir too, users have numbers, and E2B starts its code interpreter by a script', async () => {
  const template = fresh()
    .makeDir('/srv-data/deep', { mode: 0o755, user: 'root' })
    .setUser('1000:1000')
    .runCmd('whoami > /srv-data/deep/who')
    .setStartCmd('sudo /root/.jupyter/start-up.sh', waitForURL('http://localhost:49999/health'));
  await build(template, 'as-e2b');
  const sandbox = await Sandbox.create('as-e2b', connection);
  expect(await sandbox.files.read('/srv-data/deep/who')).toBe('user\n');
  await sandbox.kill();
});

test('a step that fails says which, and why; what was there under the name stays', async () => {
  const failing = fresh().runCmd('true').runCmd('echo no such luck >&2; exit 3');
  const failure = await build(failing, 'steps').catch((error: unknown) => error as Error);
  expect(failure).toBeInstanceOf(BuildError);
  expect((failure as Error).message).toContain('exit status 3: no such luck');
  expect((failure as Error).stack).toContain('templates.test.ts');
  await (await Sandbox.create('steps', connection)).kill();

  const never = fresh().setStartCmd('sleep 60', waitForFile('/tmp/never'));
  const background = await Template.buildInBackground(never, 'never', connection);
  expect(await Template.getBuildStatus(background, connection)).toMatchObject({ status: 'building' });
  const stillborn = fresh().setStartCmd('exit 4', waitForFile('/tmp/never'));
  await expect(build(stillborn, 'stillborn')).rejects.toThrow('start command failed');
  const stranger = fresh().runCmd('whoami', { user: 'nobody' });
  await expect(build(stranger, 'stranger')).rejects.toThrow(
    `failed to run command 'whoami': command failed: unauthenticated: invalid username: 'nobody'`,
  );
  await expect(build(fresh().setUser('nobody'), 'user')).rejects.toThrow(`there is no user 'nobody'`);
  await expect(build(fresh().runCmd('mkdir /data'), 'data')).rejects.toThrow('Read-only file system');
  await expect(Sandbox.create('data', connection)).rejects.toThrow('not found');
});

test('a build that has nothing to start from names the line that says so', async () => {
  const secret = Template().fromImage('registry.example.com/x', { username: 'me', password: 'it' });
  for (const template of [secret, Template().fromTemplate('no-such-template')]) {
    const failure = await build(template, 'groundless').catch((error: unknown) => error as Error);
    expect(failure).toBeInstanceOf(BuildError);
    expect((failure as Error).stack).toContain('templates.test.ts');
  }
});

test('a container image is stood in for, and that is said', async () => {
  const log: LogEntry[] = [];
  const template = Template().fromUbuntuImage('22.04').runCmd('echo from an image > note.txt');
  await Template.build(template, 'image', { ...connection, onBuildLogs: (entry) => log.push(entry) });
  expect(log.map(({ level, message }) => `${level} ${message}`)).toContain(
    'warn container images are not pulled here: the default template stands in for ubuntu:22.04',
  );
});

test('tags name builds, move between them and can be removed; templates survive a restart', async () => {
  await build(fresh().runCmd('echo 1 > version'), 'tagged', { tags: ['v1', 'stable'] });
  await build(fresh().runCmd('echo 2 > version'), 'tagged', { tags: ['v2'] });
  const versionOf = async (name: string): Promise<string> => {
    const sandbox = await Sandbox.create(name, connection);
    const version = await sandbox.files.read('version');
    await sandbox.kill();
    return version.trim();
  };
  expect([await versionOf('tagged:v1'), await versionOf('tagged:v2')]).toEqual(['1', '2']);
  await Template.assignTags('tagged:v2', ['stable', 'default'], connection);
  expect([await versionOf('tagged:stable'), await versionOf('tagged')]).toEqual(['2', '2']);
  await Template.removeTags('tagged', ['v1'], connection);
  await expect(Sandbox.create('tagged:v1', connection)).rejects.toThrow('not found');
  const tags = await Template.getTags('tagged', connection);
  expect(tags.map(({ tag }) => tag).toSorted()).toEqual(['default', 'stable', 'v2']);
  expect(await Template.exists('tagged', connection)).toBe(true);
  expect(await Template.exists('default', connection)).toBe(true);
  expect(await Template.exists('nothing', connection)).toBe(false);

  await server.kill();
  await start();
  expect(await versionOf('tagged')).toBe('2');
  const headers = { 'x-api-key': server.apiKey };
  expect((await fetch(`${server.url}/templates/tagged`, { method: 'DELETE', headers })).status).toBe(204);
  expect(await Template.exists('tagged', connection)).toBe(false);
});

test.each([
  ['an unknown type of step', { steps: [{ type: 'FLY', args: [] }] }, 'unknown type'],
  ['a COPY without files', { steps: [{ type: 'COPY', args: ['a', 'b'] }] }, 'no files'],
  [
    'a hash that is a path',
    { steps: [{ type: 'COPY', args: ['a', 'b'], filesHash: '../../../etc/passwd' }] },
    'hash',
  ],
])('a build with %s is a 400', async (_, body, message) => {
  const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
  const post = (path: string, json: object): Promise<Response> =>
    fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(json) });
  const asked = (await (await post('/v3/templates', { name: 'bad' })).json()) as Record<string, string>;
  const answer = await post(`/v2/templates/${asked['templateID']}/builds/${asked['buildID']}`, body);
  expect([answer.status, await answer.json()]).toEqual([
    400,
    { code: 400, message: expect.stringContaining(message) },
  ]);
});

test('uploads need a signed address', async () => {
  const path = `${server.url}/templates/tx/files/${'a'.repeat(64)}`;
  expect((await fetch(path, { method: 'PUT', body: 'x' })).status).toBe(401);
  expect((await fetch(`${path}?token=00`, { method: 'PUT', body: 'x' })).status).toBe(401);
});

test(
  'the template node has npm packages, which programs in any folder find',
  { timeout: 60_000 },
  async () => {
    const nodeModules = join(assayHome(), 'templates', 'node', 'node_modules');
    const args = ['--template', 'node', '--node-modules', `node=${nodeModules}`];
    const own = await startTestSandboxServer({ packages: false, args });
    try {
      const sandbox = await Sandbox.create('node', own.connection);
      await sandbox.files.write(
        'deep/er/a.ts',
        `import { z } from 'zod';\nconst n: number = z.number().parse(41);\nconsole.log(n + 1);\n`,
      );
      const { stdout } = await sandbox.commands.run(
        'tsc --version; cd deep/er && tsx a.ts; node --experimental-strip-types a.ts',
      );
      expect(stdout).toMatch(/^Version 7\.[^\n]*\n42\n42\n$/);
      const run = await sandbox.runCode(
        `const lodash = require('lodash'); lodash.chunk([1, 2, 3], 2).length`,
        { language: 'javascript' },
      );
      expect(run.text).toBe('2');
      await expect(sandbox.commands.run('touch /node_modules/x')).rejects.toThrow();
      const other = await Sandbox.create('default', own.connection);
      await expect(other.commands.run('ls /node_modules')).rejects.toThrow();
    } finally {
      await own.stop();
    }
  },
);

test('a template is known by its name without a default tag, and listed with its size, in pages', async () => {
  await build(fresh().runCmd('true'), 'only-tagged:v7');
  expect(await Template.exists('only-tagged', connection)).toBe(true);
  expect((await Template.getTags('only-tagged', connection)).map(({ tag }) => tag)).toEqual(['v7']);
  const list = async (query: string): Promise<{ names: unknown[]; next: string | null; first: object }> => {
    const headers = { 'x-api-key': server.apiKey };
    const response = await fetch(`${server.url}/v2/templates${query}`, { headers });
    const templates = (await response.json()) as { names: string[] }[];
    const names = templates.flatMap((template) => template.names);
    return { names, next: response.headers.get('x-next-token'), first: templates[0] ?? {} };
  };
  const all = await list('');
  expect(all.names).toContain('only-tagged');
  const one = await list('?limit=1');
  expect(one.first).toMatchObject({ names: ['only-tagged'], memoryMB: 1024, cpuCount: expect.any(Number) });
  const two = await list(`?limit=1&nextToken=${one.next}`);
  expect([...one.names, ...two.names]).toEqual(all.names.slice(0, 2));
  const remove = { method: 'DELETE', headers: { 'x-api-key': server.apiKey } };
  expect((await fetch(`${server.url}/templates/only-tagged`, remove)).status).toBe(204);
  expect(await Template.exists('only-tagged', connection)).toBe(false);
});

test('a build does again what has changed and what follows, and nothing before', async () => {
  const stamp = 'date +%s%N';
  const made = async (name: string, second: string, skip: 'none' | 'second' | 'all' = 'none') => {
    const first = fresh().setEnvs({ WORD: 'kept' }).setWorkdir('/app').runCmd(`${stamp} > first`);
    const last = (skip === 'second' ? first.skipCache() : first).runCmd(second);
    const log: string[] = [];
    await Template.build(last.runCmd('echo $WORD > word'), name, {
      ...connection,
      skipCache: skip === 'all',
      onBuildLogs: ({ message }) => log.push(message),
    });
    const sandbox = await Sandbox.create(name, connection);
    const { stdout } = await sandbox.commands.run('cat first second word; pwd');
    await sandbox.kill();
    const [one, two, word, folder] = stdout.split('\n');
    expect([word, folder]).toEqual(['kept', '/app']);
    return { one, two, cached: log.filter((line) => line.includes('CACHED')).length };
  };
  const once = await made('layered', `${stamp} > second`);
  expect(once.cached).toBe(0);
  const again = await made('layered-too', `${stamp} > second`);
  expect(again).toEqual({ ...once, cached: 5 });
  const changed = await made('layered', `${stamp}  > second`);
  expect(changed.one).toBe(once.one);
  expect(changed.two).not.toBe(once.two);
  const forced = await made('layered', `${stamp} > second`, 'second');
  expect(forced.one).toBe(once.one);
  expect(forced.two).not.toBe(once.two);
  expect((await made('layered', `${stamp} > second`, 'all')).one).not.toBe(once.one);
});

test('snapshots and templates have a size in all, for which layers make room', async () => {
  const small = await startTestSandboxServer({ packages: false, args: ['--images-mb', '16'] });
  try {
    const template = fresh().runCmd('head -c 2M /dev/urandom > some');
    await Template.build(template, 'small', small.connection);
    const sandbox = await Sandbox.create('small', small.connection);
    await sandbox.commands.run('head -c 8M /dev/urandom > more');
    const { snapshotId } = await sandbox.createSnapshot();
    await expect(sandbox.createSnapshot()).rejects.toThrow(
      'no room for it in the snapshots and templates of 16 MiB',
    );
    await Sandbox.deleteSnapshot(snapshotId, small.connection);
    await sandbox.createSnapshot();
    const taken = readdirSync(join(small.stateDir, 'images')).filter((name) => name.endsWith('.part'));
    expect(taken).toEqual([]);
  } finally {
    await small.stop();
  }
});
