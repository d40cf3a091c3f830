import { CommandExitError, Sandbox, SandboxNotFoundError, Template } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conformanceTarget } from '../support/conformance-target.ts';
import type { ConformanceTarget } from '../support/conformance-target.ts';

// What programs of E2B's JavaScript SDK do with sandboxes as a whole.
let target: ConformanceTarget;
const made: Sandbox[] = [];
beforeAll(async () => {
  target = await conformanceTarget();
}, 60_000);
afterAll(async () => {
  await Promise.all(made.map((sandbox) => sandbox.kill().catch(() => undefined)));
  await target.stop();
});

async function create(
  options: Parameters<typeof Sandbox.create>[1] = {},
  template?: string,
): Promise<Sandbox> {
  const all = { ...target.connection, timeoutMs: 120_000, ...options };
  const sandbox = template === undefined ? await Sandbox.create(all) : await Sandbox.create(template, all);
  made.push(sandbox);
  return sandbox;
}

test('a sandbox is found by its metadata, told of, and gone once it is killed', async () => {
  const mark = crypto.randomUUID();
  const sandbox = await create({ metadata: { mark }, envs: { A: 'b' } });
  expect(await sandbox.isRunning()).toBe(true);
  const pages = Sandbox.list({ ...target.connection, query: { metadata: { mark }, state: ['running'] } });
  expect((await pages.nextItems()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
  expect(await sandbox.getInfo()).toMatchObject({ metadata: { mark }, state: 'running' });
  const again = await Sandbox.connect(sandbox.sandboxId, target.connection);
  expect((await again.commands.run('echo $A $E2B_SANDBOX_ID')).stdout).toBe(`b ${sandbox.sandboxId}\n`);
  expect(await sandbox.kill()).toBe(true);
  expect(await Sandbox.kill(sandbox.sandboxId, target.connection)).toBe(false);
  expect(await sandbox.isRunning()).toBe(false);
  await expect(Sandbox.connect(sandbox.sandboxId, target.connection)).rejects.toBeInstanceOf(
    SandboxNotFoundError,
  );
});

test('its time can be set, and ends it', async () => {
  const sandbox = await create();
  await sandbox.setTimeout(1_000);
  await expect.poll(() => sandbox.isRunning(), { timeout: 10_000 }).toBe(false);
});

test('a pause keeps files and processes', async () => {
  const sandbox = await create();
  await sandbox.files.write('kept.txt', 'kept');
  await sandbox.commands.run('sleep 1000', { background: true });
  await sandbox.pause();
  expect((await sandbox.getInfo()).state).toBe('paused');
  await sandbox.connect();
  expect(await sandbox.files.read('kept.txt')).toBe('kept');
  expect((await sandbox.commands.run('pgrep -c sleep')).stdout.trim()).toBe('1');
});

test('one whose time is up is paused where asked to, and woken by a call', async () => {
  const sandbox = await create({ timeoutMs: 1_500, lifecycle: { onTimeout: 'pause', autoResume: true } });
  await sandbox.files.write('kept.txt', 'kept');
  await expect.poll(async () => (await sandbox.getInfo()).state, { timeout: 15_000 }).toBe('paused');
  expect(await sandbox.files.read('kept.txt')).toBe('kept');
});

test('snapshots and forks begin with the files', async () => {
  const sandbox = await create();
  await sandbox.files.write('of-first.txt', '1');
  const { snapshotId } = await sandbox.createSnapshot();
  await sandbox.files.write('of-first.txt', '2');
  const restored = await create({}, snapshotId);
  expect(await restored.files.read('of-first.txt')).toBe('1');
  const [fork] = await sandbox.fork();
  if (!(fork instanceof Sandbox)) throw new Error('there is no fork');
  made.push(fork);
  expect(await fork.files.read('of-first.txt')).toBe('2');
  await fork.files.write('of-first.txt', '3');
  expect(await sandbox.files.read('of-first.txt')).toBe('2');
  await Sandbox.deleteSnapshot(snapshotId, target.connection);
  await expect(create({}, snapshotId)).rejects.toThrow(/not found/i);
});

test('a server inside is reached from outside', async () => {
  const sandbox = await create();
  await sandbox.files.write('www/index.html', 'served');
  await sandbox.commands.run('python3 -m http.server 8000 -d www', { background: true });
  const at = (port: number): string => target.urlOf(sandbox, port);
  const page = async (): Promise<string> => (await fetch(at(8000))).text();
  await expect.poll(page, { timeout: 15_000 }).toBe('served');
  expect((await fetch(at(8001))).status).toBe(502);
});

test('without internet access nothing outside is reached', async () => {
  const sandbox = await create({ allowInternetAccess: false });
  // A name and an address that are nobody's: TEST-NET-1 and a reserved top-level domain.
  const attempts = ['curl -sS -m 3 http://192.0.2.1/', 'curl -sS -m 3 http://nobody.invalid/'];
  for (const attempt of attempts)
    await expect(sandbox.commands.run(attempt)).rejects.toBeInstanceOf(CommandExitError);
});

test('figures of its use', async () => {
  const sandbox = await create();
  const metrics = async (): Promise<number> => (await sandbox.getMetrics()).length;
  await expect.poll(metrics, { timeout: 30_000 }).toBeGreaterThan(0);
  const [first] = await sandbox.getMetrics();
  expect(first?.memTotal).toBeGreaterThan(0);
  expect(first?.diskTotal).toBeGreaterThan(0);
});

test('a template is built, tagged, used and removed from what there is', { timeout: 120_000 }, async () => {
  const name = `conformance-${crypto.randomUUID()}`;
  const template = Template()
    .fromBaseImage()
    .setEnvs({ OF_TEMPLATE: 'yes' })
    .runCmd('echo built > /home/user/built.txt');
  await Template.build(template, name, target.connection);
  expect(await Template.exists(name, target.connection)).toBe(true);
  const sandbox = await create({}, name);
  expect((await sandbox.commands.run('cat built.txt; echo $OF_TEMPLATE')).stdout).toBe('built\nyes\n');
  const broken = Template().fromBaseImage().runCmd('exit 9');
  await expect(Template.build(broken, `${name}-broken`, target.connection)).rejects.toThrow(/exit/);
});
