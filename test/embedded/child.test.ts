import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Child, type ChildSpec } from '../../src/embedded/child.ts';
import { Guard } from '../../src/embedded/guard.ts';
import { until } from './temp-home.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-child-'));
const guard = new Guard();
afterAll(async () => {
  await guard.release();
  rmSync(folder, { recursive: true });
});

function child(script: string, more: Partial<ChildSpec> = {}): { child: Child; events: string[] } {
  const events: string[] = [];
  const spec: ChildSpec = {
    name: 'worker',
    command: '/bin/sh',
    args: ['-c', script],
    isReady: (line) => line === 'ready',
    readyWithinMs: 5_000,
    logFile: join(folder, 'child.log'),
    ...more,
  };
  return { child: new Child(spec, guard, ({ text }) => events.push(text)), events };
}

test('a child that fails before what it needs is there is tried once more after', async () => {
  const file = join(folder, 'server');
  const { child: started } = child(`[ -e '${file}' ] || exit 3; echo ready; sleep 60`);
  const needs = new Promise<void>((resolve) => {
    setTimeout(() => {
      writeFileSync(file, '');
      resolve();
    }, 300);
  });
  await started.start(needs);
  await started.stop(0);
});

test('a child that fails although all is there: its own words', async () => {
  const { child: started } = child('echo one; echo "Error: no such thing" >&2; echo two; exit 3');
  await expect(started.start()).rejects.toThrow(
    /^worker did not start: it ended with exit code 3: Error: no such thing \(log: .*child\.log\)$/,
  );
});

test('a child that fails with a log in JSON: its error, and not what came before', async () => {
  const log = (level: number, msg: string) => `echo '${JSON.stringify({ level, msg })}' >&2`;
  const { child: started } = child(`${log(40, 'assay cannot say more')}; ${log(50, 'no luck')}; exit 3`);
  await expect(started.start()).rejects.toThrow(
    /^worker did not start: it ended with exit code 3: no luck \(log: .*\)$/,
  );
});

test('a child that is never ready is ended', async () => {
  const { child: started } = child('sleep 60', { readyWithinMs: 200 });
  await expect(started.start()).rejects.toThrow('it was not ready within 0.2 s');
  expect(started.identity).toBeUndefined();
});

test('a program that is not there', async () => {
  const { child: started } = child('', { command: '/nonexistent/program' });
  await expect(started.start()).rejects.toThrow('could not be run: spawn /nonexistent/program ENOENT');
});

test('a child that dies again and again is started again, after longer and longer waits, until it is stopped', async () => {
  const once = join(folder, 'once');
  const { child: started, events } = child(
    `[ ! -e '${once}' ] || exit 7; touch '${once}'; echo ready; sleep 0.1; exit 5`,
  );
  await started.start();
  await until('three tries', () => events.length >= 3);
  await started.stop(0);
  expect(events[0]).toBe('ended with exit code 5; starting it again in 0.2 s');
  expect(events[1]).toMatch(/it ended with exit code 7.*; next try in 0\.4 s$/);
  expect(events[2]).toMatch(/; next try in 0\.8 s$/);
});

test('a child that is given up after so many ends: its last words, and it is not started again', async () => {
  const { child: started, events } = child('echo ready; echo "Error: no luck" >&2; exit 5', {
    maximumDeaths: 3,
  });
  const givenUp = new Promise<Error>((resolve) => (started.onGiveUp = resolve));
  await started.start();
  expect((await givenUp).message).toMatch(
    /^worker ended 3 times in a row and is given up: it ended with exit code 5: Error: no luck \(log: .*\)$/,
  );
  const told = events.length;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(events).toHaveLength(told);
  expect(started.identity).toBeUndefined();
  await started.stop(0);
});

test('what a child has started ends with it', async () => {
  const marker = join(folder, 'beat');
  const { child: started } = child(`(while :; do touch '${marker}'; sleep 0.05; done) & echo ready; wait`);
  await started.start();
  await until('the grandchild beats', () => existsSync(marker));
  await started.stop(0);
  rmSync(marker, { force: true });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(existsSync(marker)).toBe(false);
});

test('a port that another program has is told from other failures', async () => {
  const { child: taken } = child('echo "listen tcp 127.0.0.1:1: bind: address already in use"; exit 1');
  await expect(taken.start()).rejects.toMatchObject({ portTaken: true });
  const { child: other } = child('echo "no luck"; exit 1');
  await expect(other.start()).rejects.toMatchObject({ portTaken: false });
});
