import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TempHome } from '../embedded/temp-home.ts';
import { processesOf, tempHome, until } from '../embedded/temp-home.ts';
import { assay, tempFolder } from '../support/assay.ts';
import type { Outcome } from '../support/assay.ts';

let home: TempHome;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  home = tempHome();
  env = { ASSAY_HOME: home.path, TMPDIR: home.temp };
});
afterEach(() => home[Symbol.dispose]());

async function nothingIsLeft(): Promise<void> {
  await until('all processes are gone', () => processesOf(home.path).length === 0, 5_000);
  expect(readdirSync(home.temp)).toEqual([]);
}

test(
  'without a server, run starts one for its length, and a later command finds the job',
  { timeout: 60_000 },
  async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'hello.py'), 'print("hello")\n');
    const { code, stdout, stderr } = await assay(['run', 'hello.py', '--key', 'hello'], { cwd: folder, env });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^passed {2}job-hello, python/);
    expect(stderr.match(/no server is running/g)).toHaveLength(1);
    await nothingIsLeft();
    const shown = await assay(['jobs', 'show', 'hello'], { env });
    expect(shown.stdout).toMatch(/^passed {2}job-hello, python[^]*hello/);
    await nothingIsLeft();
  },
);

/** Makes a part of the stack end with this exit code whenever a line of its code is reached. */
function crashing(script: string): NodeJS.ProcessEnv {
  const path = join(tempFolder(), 'crash.mjs');
  writeFileSync(path, script);
  return { ...env, NODE_OPTIONS: `--import ${path}` };
}

test('a sandbox server that ends at each create: the verdict is error, soon, and says so', async () => {
  const crash = crashing(`
    import { Server } from 'node:http';
    const emit = Server.prototype.emit;
    Server.prototype.emit = function (name, request, ...rest) {
      if (name === 'request' && request.method === 'POST' && request.url.endsWith('/sandboxes')) process.exit(7);
      return emit.call(this, name, request, ...rest);
    };`);
  const { code, stdout, stderr } = await assay(['run', '-', '--language', 'python'], {
    env: crash,
    input: 'print(1)',
  });
  expect(code, stderr).toBe(3);
  expect(stdout).toMatch(/^error {2}job-[^]*Diagnosis sandbox-start/);
  expect(stderr).toContain('assay: sandboxes: ended with exit code 7; starting it again in 0.2 s');
  await nothingIsLeft();
});

test('a worker that ends again and again: the command gives up with one sentence', async () => {
  const crash = crashing(`
    const { log } = console;
    console.log = (...line) => {
      log(...line);
      if (String(line[0]).startsWith('assay worker: ready'))
        setTimeout(() => { console.error('Error: out of luck'); process.exit(9); }, 50);
    };`);
  const { code, stdout, stderr } = await assay(['run', '-', '--language', 'python', '--timeout', '300'], {
    env: crash,
    input: 'import time; time.sleep(300)',
  });
  expect({ code, stdout }, stderr).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(
    /assay: worker ended 6 times in a row and is given up: it ended with exit code 9: Error: out of luck \(log: .*\)\n$/,
  );
  await nothingIsLeft();
});

test('Ctrl-C while a server is started leaves nothing behind', { timeout: 60_000 }, async () => {
  const { code, stderr } = await assay(['run', '-', '--language', 'python'], {
    env,
    input: 'print(1)',
    onStart: (child) => {
      child.stderr?.once('data', () => setTimeout(() => child.kill('SIGINT'), 300));
    },
  });
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: expect.stringMatching(/^assay: no server is running.*\nassay: interrupted\n$/),
  });
  await nothingIsLeft();
});

test(
  'the demo comes to the verdicts that it should, and stops everything',
  { timeout: 120_000 },
  async () => {
    const { code, stdout, stderr } = await assay(['demo'], { env });
    expect(code, stdout + stderr).toBe(0);
    const verdicts = [...stdout.matchAll(/^✓ .*? {2}(passed|failed|rejected) {2}/gm)].map(
      (match) => match[1],
    );
    expect(verdicts).toEqual(['passed', 'passed', 'failed', 'rejected', 'passed']);
    expect(stdout).toMatch(/killed sandbox \w+/);
    expect(stdout).toContain('Web UI');
    expect(existsSync(join(home.path, 'demo/csv-chart/out/revenue.png'))).toBe(true);
    await nothingIsLeft();
  },
);

test('the demo may be left running, until Ctrl-C', { timeout: 120_000 }, async () => {
  let listed: Promise<Outcome> | undefined;
  const { code, stdout } = await assay(['demo', '--keep'], {
    env,
    onStart: (child) => {
      child.stdout?.on('data', (text: string) => {
        if (!text.includes('Ctrl-C stops it')) return;
        listed = assay(['jobs', 'list', '--json'], { env }).finally(() => child.kill('SIGINT'));
      });
    },
  });
  expect(code, stdout).toBe(0);
  expect(await listed).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse((await listed)?.stdout ?? '')).toHaveLength(5);
  await nothingIsLeft();
});

test('Ctrl-C in the middle of the demo stops everything', { timeout: 60_000 }, async () => {
  const { code, stderr } = await assay(['demo'], {
    env,
    onStart: (child) => {
      child.stdout?.on('data', (text: string) => {
        if (text.includes('Five jobs at once')) setTimeout(() => child.kill('SIGINT'), 700);
      });
    },
  });
  expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('assay: interrupted\n') });
  await nothingIsLeft();
});
