import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startStack, type Stack, type StackOptions } from '../../src/embedded/stack.ts';
import type { StackEvent } from '../../src/embedded/stack-event.ts';
import { findRunningStack } from '../../src/embedded/stack-record.ts';
import { processesOf, tempHome, until, type TempHome } from './temp-home.ts';

const stacks: Stack[] = [];
const homes: TempHome[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop({ now: true });
  for (const home of homes.splice(0)) home[Symbol.dispose]();
});

function newHome(): TempHome {
  const home = tempHome();
  homes.push(home);
  return home;
}

async function start(
  home: TempHome,
  options: StackOptions = {},
): Promise<{ stack: Stack; events: StackEvent[] }> {
  const events: StackEvent[] = [];
  const stack = await startStack({ env: home.env, onEvent: (event) => events.push(event), ...options });
  stacks.push(stack);
  return { stack, events };
}

async function answers(stack: Stack): Promise<boolean> {
  const { apiKey = '', apiUrl = '' } = stack.config.sandbox ?? {};
  const api = await fetch(`${apiUrl}/v2/sandboxes`, { headers: { 'X-API-KEY': apiKey } }).catch(
    () => undefined,
  );
  const ui = await fetch(stack.uiUrl).catch(() => undefined);
  await Promise.all([api?.body?.cancel(), ui?.body?.cancel()]);
  return api?.status === 200 && ui?.status === 200;
}

test('a stack answers on all its addresses, and leaves neither process nor temporary file', async () => {
  const home = newHome();
  const { stack } = await start(home);
  expect(await answers(stack)).toBe(true);
  expect(stack.processes().map(({ name }) => name)).toEqual(['temporal', 'sandboxes', 'worker']);
  expect(findRunningStack(home.path), 'the stack of a command is not for others').toBeUndefined();
  await stack.stop();
  expect(processesOf(home.path)).toEqual([]);
  expect(readdirSync(home.temp)).toEqual([]);
  expect(readdirSync(join(home.path, 'run'))).toEqual([]);
  expect(readdirSync(join(home.path, 'data')).filter((name) => name.includes('owner'))).toEqual([]);
});

test.each(['temporal', 'sandboxes', 'worker'])(
  '%s is started again after kill -9, on the same address',
  async (name) => {
    const { stack, events } = await start(newHome());
    const before = stack.processes().find((child) => child.name === name);
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await until(`${name} runs again`, () =>
      events.some(({ text, source }) => source === name && text === 'is running again'),
    );
    const told = events.filter(({ source, level }) => source === name && level === 'warn');
    expect(told.map(({ text }) => text).join('\n')).toMatch(/was killed by SIGKILL; starting it again/);
    const after = stack.processes().find((child) => child.name === name);
    expect(after?.pid).not.toBe(before?.pid);
    expect(await answers(stack)).toBe(true);
  },
);

test('two commands at once: the second does not open the database of the first', async () => {
  const home = newHome();
  const first = await start(home);
  const second = await start(home);
  expect(first.stack.db).toBe(join(home.path, 'data/temporal.db'));
  expect(second.stack.db).toBeUndefined();
  expect(second.events.map(({ text }) => text).join()).toContain('is in use by another command');
  expect(await answers(second.stack)).toBe(true);
});

test('a port asked for by name that is taken: a sentence that names the option, and nothing runs', async () => {
  const home = newHome();
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  try {
    await expect(start(home, { ports: { ui: port } })).rejects.toThrow(
      `port ${port} of 127.0.0.1 is taken by another program; give another one with --ui-port, or end that program`,
    );
    expect(processesOf(home.path)).toEqual([]);
  } finally {
    server.close();
  }
});

test('a child that cannot start: its own words and the log, and nothing is left', async () => {
  const home = newHome();
  await expect(start(home, { storeUrl: 'gopher://nowhere' })).rejects.toThrow(
    /^worker did not start: .*gopher.*\(log: .*command-worker\.log\)$/,
  );
  expect(processesOf(home.path)).toEqual([]);
  expect(readdirSync(home.temp)).toEqual([]);
});
