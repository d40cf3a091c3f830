import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/home.ts';
import { findRunningStack } from '../../src/embedded/stack-record.ts';
import { processesOf, tempHome, until, type TempHome } from './temp-home.ts';

const running: { child: ChildProcess; home: TempHome }[] = [];
afterEach(async () => {
  const started = running.splice(0);
  for (const { child } of started) child.kill('SIGKILL');
  for (const { home } of started) {
    await until('the guard has cleaned up', () => processesOf(home.path).length === 0);
    home[Symbol.dispose]();
  }
});

function dev(
  home: TempHome,
  ...args: string[]
): { child: ChildProcess; output: () => string; exited: Promise<number | string | null> } {
  const child = spawn(join(PROJECT_ROOT, 'bin/assay'), ['dev', ...args], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exited = new Promise<number | string | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  running.push({ child, home });
  return { child, output: () => output, exited };
}

const ready = (home: TempHome, output: () => string) =>
  until(
    `assay dev is ready; it said: ${output()}`,
    () => findRunningStack(home.path) && output().includes('Web UI'),
  );

test('assay dev says its addresses first, is found by others, and ends clean at Ctrl-C', async () => {
  const home = tempHome();
  const { child, output, exited } = dev(home);
  await ready(home, output);
  const stack = findRunningStack(home.path);
  expect(output().split('\n').slice(0, 3).join('\n')).toMatch(
    /^Assay runs on this machine; Ctrl-C stops it\.\n {2}Web UI +http:\/\/127\.0\.0\.1:\d+\n {2}Temporal/,
  );
  expect(stack?.config.sandbox?.apiKey).toMatch(/^e2b_[0-9a-f]{40}$/);
  expect(statSync(join(home.path, 'run/dev.json')).mode & 0o777, 'it holds a key').toBe(0o600);
  child.kill('SIGINT');
  expect(await exited).toBe(0);
  expect(output()).toMatch(/stopping: .*\n.*stopped\n$/s);
  expect(processesOf(home.path)).toEqual([]);
  expect(readdirSync(home.temp)).toEqual([]);
  expect(findRunningStack(home.path)).toBeUndefined();
  expect(existsSync(join(home.path, 'data/temporal.db')), 'its state is kept').toBe(true);
});

test('a second assay dev on the same state says which one runs, and exits with 3', async () => {
  const home = tempHome();
  const first = dev(home);
  await ready(home, first.output);
  const second = dev(home);
  expect(await second.exited).toBe(3);
  expect(second.output()).toMatch(
    /^assay: assay dev already runs on .*temporal\.db \(pid \d+\); use that one, end it, or give this one --db FILE or --ephemeral\n$/,
  );
  expect(findRunningStack(home.path)?.owner.pid, 'the first is not disturbed').toBe(first.child.pid);
});

test('kill -9 of assay dev leaves nothing, and the next one says so', async () => {
  const home = tempHome();
  const first = dev(home);
  await ready(home, first.output);
  first.child.kill('SIGKILL');
  await first.exited;
  await until('everything has ended', () => processesOf(home.path).length === 0, 10_000);
  expect(readdirSync(home.temp)).toEqual([]);
  expect(findRunningStack(home.path)).toBeUndefined();
  const second = dev(home);
  await ready(home, second.output);
  const sentence = `an earlier run of assay dev (pid ${first.child.pid}) was killed; none of its processes is left`;
  await until('it says so', () => second.output().includes(sentence));
});

test('kill -9 of assay dev and of its guard: the next one ends what is left, by its record', async () => {
  const home = tempHome();
  const first = dev(home);
  await ready(home, first.output);
  const guard = processesOf(home.path).find(
    ({ command }) => command.startsWith('/bin/sh -c') && command.includes('while read'),
  );
  process.kill(guard?.pid ?? 0, 'SIGKILL');
  first.child.kill('SIGKILL');
  await first.exited;
  const orphans = processesOf(home.path).map(({ pid }) => pid);
  expect(orphans.length).toBeGreaterThan(1);
  const second = dev(home);
  await ready(home, second.output);
  await until('it says so', () => /was killed; ended its temporal/.test(second.output()));
  const alive = processesOf(home.path).map(({ pid }) => pid);
  expect(orphans.filter((pid) => alive.includes(pid))).toEqual([]);
});

test('a second Ctrl-C ends everything at once', async () => {
  const home = tempHome();
  const { child, output, exited } = dev(home, '--ephemeral');
  await ready(home, output);
  const { children } = JSON.parse(readFileSync(join(home.path, 'run/dev.json'), 'utf8')) as {
    children: { name: string; pid: number }[];
  };
  // A worker that does not answer would be waited for, for longer than this test may take.
  process.kill(children.find(({ name }) => name === 'worker')?.pid ?? 0, 'SIGSTOP');
  child.kill('SIGINT');
  await until('it is stopping', () => output().includes('stopping'));
  child.kill('SIGINT');
  expect(await exited).toBe(130);
  expect(processesOf(home.path)).toEqual([]);
  expect(readdirSync(home.temp)).toEqual([]);
});

test.each([
  ['--db and --ephemeral', ['--db', 'x.db', '--ephemeral'], 'give --db or --ephemeral, not both'],
  ['a port that is none', ['--ui-port', '99999'], '--ui-port must be a port, 1 to 65535, not 99999'],
])('%s: exit 64, and nothing is started', async (_, args, sentence) => {
  const home = tempHome();
  const { output, exited } = dev(home, ...args);
  expect(await exited).toBe(64);
  expect(output()).toBe(`assay: ${sentence}\n`);
  expect(existsSync(join(home.path, 'run'))).toBe(false);
});
