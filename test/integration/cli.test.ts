import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { JobResult } from '../../src/client.ts';
import { PROJECT_ROOT } from '../../src/home.ts';
import { assay } from '../support/assay.ts';
import type { Outcome } from '../support/assay.ts';
import { tempFolder } from '../support/assay.ts';
import { environmentOf, startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
let folder: string;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => {
  folder = tempFolder();
});

const example = (path: string) => join(PROJECT_ROOT, 'examples', path);

function cli(args: string[], options: Parameters<typeof assay>[1] = {}): Promise<Outcome> {
  return assay(args, { cwd: folder, ...options, env: { ...environmentOf(stack.config), ...options.env } });
}

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

async function result(args: string[]): Promise<{ code: number | null; result: JobResult }> {
  const { code, stdout, stderr } = await cli(['run', ...args, '--json']);
  expect(stdout, stderr).toMatch(/^\{/);
  return { code, result: JSON.parse(stdout) as JobResult };
}

describe('assay run', () => {
  test('a function with tests and coverage passes, and a person can read it', async () => {
    const args = [
      'run',
      example('passing-tests/slugify.py'),
      '--tests',
      example('passing-tests/test_slugify.py'),
    ];
    const { code, stdout, stderr } = await cli([...args, '--coverage-lines', '90']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^passed {2}job-\S+, python, .* 6 of 6 tests passed/);
    expect(stdout).toMatch(/Coverage lines 100\.0 % \(\d+ of \d+\), branches/);
    expect(stderr).toMatch(/ok validate[^]*ok open[^]*ok execute[^]*ok test[^]*ok close/);
  });

  test('a failing test exits 1 and is shown with its message', async () => {
    const args = [
      'run',
      example('failing-test/median.ts'),
      '--tests',
      example('failing-test/median.test.ts'),
    ];
    const { code, stdout } = await cli(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed {2}/);
    expect(stdout).toContain('Diagnosis assertion');
    expect(stdout).toMatch(/✗ values of more than one digit[^]*11 !== 10/);
  });

  test('rejected code exits 2, and runs under a policy that lets it', async () => {
    file('shell.py', 'import os\nprint(os.system("true"))\n');
    expect(await result(['shell.py', '--policy', 'strict'])).toMatchObject({
      code: 2,
      result: { verdict: 'rejected' },
    });
    expect(await result(['shell.py', '--policy', 'off'])).toMatchObject({
      code: 0,
      result: { verdict: 'passed', findings: [] },
    });
  });

  test('a syntax error is the code’s failure', async () => {
    file('bad.py', 'def f(:\n');
    expect(await result(['bad.py'])).toMatchObject({
      code: 1,
      result: { verdict: 'failed', diagnosis: { category: 'syntax' } },
    });
  });

  test('input files go in, artifacts come out, and the result is one JSON document', async () => {
    file('in.csv', 'a\n1\n');
    file('copy.py', 'import os, shutil\nos.mkdir("out")\nshutil.copy("data.csv", "out/copy.csv")\n');
    const args = [
      'run',
      'copy.py',
      '--file',
      'in.csv=data.csv',
      '--artifact',
      'out/*',
      '--out',
      'got',
      '--label',
      'team=search',
      '--json',
    ];
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      labels: { team: 'search' },
      artifacts: [{ path: 'out/copy.csv', bytes: 4 }],
    });
    expect(readFileSync(join(folder, 'got/out/copy.csv'), 'utf8')).toBe('a\n1\n');
  });

  test('a job as JSON brings local files by path, and options go before its fields', async () => {
    mkdirSync(join(folder, 'job'));
    file('job/data.txt', 'from the job’s folder');
    const job = {
      language: 'python',
      code: 'print(open("data.txt").read())',
      files: [{ path: 'data.txt', from: 'data.txt' }],
      labels: { a: '1', b: '1' },
    };
    file('job/job.json', JSON.stringify(job));
    const { code, result: got } = await result(['job/job.json', '--label', 'b=2']);
    expect(code).toBe(0);
    expect(got.execution?.stdout.text.trim()).toBe('from the job’s folder');
    expect(got.labels).toEqual({ a: '1', b: '2' });
  });

  test.each([
    ['stdin', ['-', '--language', 'bash'], 'echo "from stdin"', 'from stdin'],
    ['a job on stdin', ['-'], '{"language": "javascript", "code": "console.log(6 * 7)"}', '42'],
  ])('%s', async (_, args, input, output) => {
    const { code, stdout } = await cli(['run', ...args, '--json'], { input });
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as JobResult).execution?.stdout.text.trim()).toBe(output);
  });

  test('cases of input and output are told apart', async () => {
    file('double.py', 'print(int(input()) * 2)\n');
    file(
      'cases.json',
      JSON.stringify([
        { stdin: '2', stdout: '4' },
        { name: 'wrong', stdin: '3', stdout: '7' },
      ]),
    );
    const { code, result: got } = await result(['double.py', '--tests', 'cases.json']);
    expect(code).toBe(1);
    expect(got.tests).toMatchObject({ kind: 'io', passed: 1, failed: 1 });
  });

  test('the code’s own time limit is its failure', async () => {
    file('slow.py', 'while True: pass\n');
    const { code, result: got } = await result(['slow.py', '--timeout', '0.5', '--attempts', '1']);
    expect({ code, category: got.diagnosis?.category }).toEqual({ code: 1, category: 'timeout' });
  });

  test('the same key is the same job', async () => {
    file('once.py', 'import time\nprint(time.time_ns())\n');
    const first = await result(['once.py', '--key', 'once']);
    const { stdout, stderr } = await cli(['run', 'once.py', '--key', 'once', '--json']);
    expect(JSON.parse(stdout)).toEqual(first.result);
    expect(stderr).toContain('job-once was started before by the same key');
  });

  test('what the code prints cannot steer the terminal', async () => {
    file('evil.py', 'print("\\x1b]0;owned\\x07\\x1b[2J\\u202e")\nraise ValueError("\\x1b[31mred")\n');
    const { code, stdout, stderr } = await cli(['run', 'evil.py']);
    expect(code).toBe(1);
    // eslint-disable-next-line no-control-regex
    expect(stdout + stderr).not.toMatch(/[\u0007\u001b\u009b\u202e]/);
  });

  test('Ctrl-C cancels the job, frees its sandbox and exits 130', async () => {
    file('slow.py', 'import time\ntime.sleep(30)\n');
    const { code, stderr } = await cli(['run', 'slow.py', '--key', 'ctrl-c'], {
      onStart: (child) => {
        child.stderr?.on('data', (text: string) => {
          if (text.includes('ok open')) child.kill('SIGINT');
        });
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain('assay: interrupted; job-ctrl-c was cancelled');
    expect((await stack.assay.jobs.get('job-ctrl-c').status()).state).toBe('cancelled');
  });
});

describe('a job that was left to the server', () => {
  test('is watched to its end', async () => {
    file('a.py', 'import time\ntime.sleep(1)\nprint("done")\n');
    const { code, stdout } = await cli(['run', 'a.py', '--detach', '--key', 'left']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'job-left\n' });
    const watched = await cli(['jobs', 'watch', 'left']);
    expect(watched.code).toBe(0);
    expect(watched.stdout).toMatch(/^passed {2}job-left/);
    expect(JSON.parse((await cli(['jobs', 'show', 'left', '--json'])).stdout)).toMatchObject({
      jobId: 'job-left',
      verdict: 'passed',
    });
  });

  test('is shown while it runs, and cancelled', async () => {
    file('a.py', 'import time\ntime.sleep(30)\n');
    await cli(['run', 'a.py', '--detach', '--key', 'stopped']);
    const shown = await cli(['jobs', 'show', 'stopped']);
    expect(shown.stdout).toMatch(/^running {2}job-stopped: /);
    expect(await cli(['explain', 'stopped'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('has no result yet'),
    });
    expect(await cli(['jobs', 'cancel', 'stopped'])).toMatchObject({
      code: 0,
      stdout: 'cancelled job-stopped\n',
    });
    expect((await cli(['jobs', 'show', 'stopped'])).stdout).toMatch(/^cancelled {2}job-stopped/);
    expect(await cli(['jobs', 'watch', 'stopped'])).toMatchObject({ code: 3 });
  });
});

describe('a job that is over', () => {
  beforeAll(async () => {
    const code =
      'import os\nos.makedirs("out/deep")\nopen("out/deep/a.txt", "w").write("A")\ndef f():\n    return 1 / 0\nf()\n';
    await stack.assay.jobs.run({ key: 'over', language: 'python', code, artifacts: ['out/**'] });
  });

  test('is listed by its verdict', async () => {
    const { code, stdout } = await cli(['jobs', 'list', '--verdict', 'failed', '--limit', '200', '--json']);
    expect(code).toBe(0);
    const listed = JSON.parse(stdout) as { jobId: string; verdict: string }[];
    expect(listed.every(({ verdict }) => verdict === 'failed')).toBe(true);
    expect(listed.map(({ jobId }) => jobId)).toContain('job-over');
    expect((await cli(['jobs', 'list', '--limit', '1'])).stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  test('is explained, with its line of code', async () => {
    const { code, stdout } = await cli(['explain', 'over']);
    expect(code).toBe(0);
    expect(stdout).toContain('ZeroDivisionError');
    expect(stdout).toContain('does not help');
    expect(stdout).toMatch(/Line 5 of the code\n5 \| {5}return 1 \/ 0/);
    expect(JSON.parse((await cli(['explain', 'over', '--json'])).stdout)).toMatchObject({
      category: 'exception',
      retryHelps: false,
    });
  });

  test('gives its artifacts, and only into the folder', async () => {
    expect((await cli(['artifacts', 'list', 'over'])).stdout).toMatch(
      /out\/deep\/a\.txt +1 byte +blob:sha256:/,
    );
    expect(await cli(['artifacts', 'get', 'over', 'out/deep/a.txt'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'out/deep/a.txt'), 'utf8')).toBe('A');
    mkdirSync(join(folder, 'elsewhere'));
    mkdirSync(join(folder, 'into'));
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'into/out'));
    const refused = await cli(['artifacts', 'get', 'over', '--all', '--out', 'into', '--force']);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('is a symbolic link') });
    expect(existsSync(join(folder, 'elsewhere/deep'))).toBe(false);
  });

  test.each([
    [['artifacts', 'get', 'over', 'nope'], 'has no artifact nope; it left out/deep/a.txt'],
    [['artifacts', 'get', 'over'], 'say which artifact'],
    [['jobs', 'show', 'nowhere'], 'There is no job job-nowhere'],
    [['jobs', 'cancel', 'nowhere'], 'There is no job job-nowhere'],
    [['explain', 'nowhere'], 'There is no job job-nowhere'],
  ])('%j is a matter of usage', async (args, why) => {
    const { code, stderr } = await cli(args);
    expect(stderr).toContain(why);
    expect(code).toBe(64);
  });
});

describe('a wrong key', () => {
  test('of the sandbox service is the world’s error', async () => {
    const wrong = await startStack(undefined, {
      sandboxApiKey: 'e2b_0000000000000000000000000000000000000000',
    });
    onTestFinished(() => wrong.stop());
    file('a.py', 'print(1)\n');
    const { code, stdout } = await cli(['run', 'a.py', '--json'], { env: environmentOf(wrong.config) });
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'error',
      diagnosis: { category: 'auth', retryHelps: false },
    });
    expect(code).toBe(3);
  });

  test('of Temporal’s server is said in one sentence', async () => {
    // A server that refuses whoever comes, as Temporal Cloud does: gRPC status 16.
    const server = createServer().on('stream', (stream) => {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '16',
          'grpc-message': 'bad key',
        },
        { endStream: true },
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stdout, stderr } = await cli(['jobs', 'list'], { env: { TEMPORAL_ADDRESS: address } });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^assay: The Temporal server at \S+ refused access[^\n]*\n$/);
  });
});
