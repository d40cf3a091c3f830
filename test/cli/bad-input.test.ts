import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { tempHome } from '../embedded/temp-home.ts';
import { assay, runProgram, tempFolder } from '../support/assay.ts';
import { PROJECT_ROOT } from '../../src/home.ts';

let folder: string;
/** Nothing answers there: what went on to a server, and did not stop at the bad input, would exit with 3. */
const env = { TEMPORAL_ADDRESS: '127.0.0.1:9' };
beforeEach(() => {
  folder = tempFolder();
});

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return name;
}

function sparse(name: string, bytes: number): string {
  const descriptor = openSync(join(folder, name), 'w');
  ftruncateSync(descriptor, bytes);
  closeSync(descriptor);
  return name;
}

async function refused(args: string[], why: string | RegExp, input?: string): Promise<void> {
  const { code, stdout, stderr } = await assay(args, { cwd: folder, env, input: input ?? '' });
  expect(stderr).toMatch(why);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr, 'one sentence, no stack trace, nothing started').toMatch(/^assay: [^\n]*\n$/);
}

const python = (more: object) => JSON.stringify({ language: 'python', code: 'print(1)', ...more });

describe('a job as JSON', () => {
  test.each([
    ['an unknown field', { limit: {} }, 'job.json: limit: there is no such field'],
    [
      'an unknown field further in',
      { limits: { timeout: 5 } },
      'job.json: limits.timeout: there is no such field',
    ],
    [
      'an unknown language',
      { language: 'ruby' },
      'job.json: language: must be one of python, javascript, typescript, bash',
    ],
    ['no code', { code: undefined }, 'job.json: code: is missing'],
    ['empty code', { code: ' \n' }, 'job.json: code: the code must not be empty'],
    [
      'both content and base64',
      { files: [{ path: 'a', content: 'x', base64: 'eA==' }] },
      'files[0]: give exactly one of content, base64 and from; got content and base64',
    ],
    ['bad base64', { files: [{ path: 'a', base64: '!' }] }, 'files[0].base64: is not valid base64'],
    [
      'a path that leaves the working folder',
      { files: [{ path: 'a/../../b', content: '' }] },
      'files[0].path: must not leave the working folder',
    ],
    [
      'an absolute path',
      { files: [{ path: '/etc/passwd', content: '' }] },
      'files[0].path: must be relative to the working folder',
    ],
    [
      'an artifact outside the working folder',
      { artifacts: ['../*'] },
      'artifacts[0]: must not leave the working folder',
    ],
    [
      'two files of one name',
      {
        files: [
          { path: 'a', content: '' },
          { path: 'a', content: '' },
        ],
      },
      'files[1].path: two files have the path a',
    ],
    [
      'an empty test file',
      { tests: { kind: 'pytest', code: '' } },
      'tests.code: the tests must not be empty',
    ],
    ['no cases', { tests: { kind: 'io', cases: [] } }, 'tests.cases: must have at least 1 entry'],
    [
      'tests of another language',
      { tests: { kind: 'node', code: 'x' } },
      'tests.kind: tests of kind node are for javascript and typescript, not for python',
    ],
    ['a negative limit', { limits: { timeoutMs: -1 } }, 'limits.timeoutMs: must be at least 100'],
    [
      'a limit that is no number',
      { limits: { memoryMb: '512' } },
      'limits.memoryMb: must be a number, not string',
    ],
    [
      'an unknown policy',
      { validate: { policy: 'strictest' } },
      'validate.policy: must be one of off, standard, strict',
    ],
    [
      'an unknown rule',
      { validate: { policy: { rules: { 'no-evil': 'error' } } } },
      'validate.policy.rules.no-evil: There is no validation rule',
    ],
    ['a key with spaces', { key: 'a b' }, 'key: use letters, digits'],
    [
      'a local file that does not exist',
      { files: [{ path: 'a', from: 'nowhere.csv' }] },
      /files\[0\]\.from: .*nowhere\.csv does not exist/,
    ],
  ])('with %s', async (_, more, why) => {
    await refused(['run', file('job.json', python(more))], why);
  });

  test('with several faults tells them all', async () => {
    await refused(
      ['run', file('job.json', '{"language": "ruby", "cod": "x"}')],
      /language: .*; code: is missing; cod: there is no such field/,
    );
  });

  test('with a JSON syntax error tells its line and column', async () => {
    await refused(
      ['run', file('job.json', '{\n  "language": "python",\n  "code": print\n}')],
      "job.json:3:11: not valid JSON: unexpected token 'p'",
    );
  });

  test('that is no object', async () => {
    await refused(['run', file('job.json', '[]')], 'job.json: must be an object with the fields of a job');
  });

  test('on stdin', async () => {
    await refused(['run', '-'], 'stdin: code: is missing', '{"language": "python"}');
  });
});

describe('a file with code', () => {
  test('that does not exist', () =>
    refused(['run', 'nowhere.py'], 'cannot read the code: nowhere.py does not exist'));
  test('that is a folder', async () => {
    mkdirSync(join(folder, 'folder.py'));
    await refused(['run', 'folder.py'], 'folder.py is a directory');
  });
  test('that is empty', async () =>
    refused(['run', file('empty.py', '')], 'empty.py: code: the code must not be empty'));
  test('that is binary', async () =>
    refused(['run', file('a.py', Buffer.from([0x7f, 0x45, 0, 1]))], 'a.py is a binary file'));
  test('that is not UTF-8', async () =>
    refused(['run', file('a.py', Buffer.from([0x78, 0xff]))], 'a.py is not valid UTF-8'));
  test('of 1 GB', async () => refused(['run', sparse('big.py', 1e9)], /big\.py is too large: 953\.7 MiB/));
  test('of 1 GB, to be checked', async () =>
    refused(['check', sparse('big.py', 1e9)], /big\.py is too large/));
  test('of no known language', async () =>
    refused(['run', file('code.txt', 'x')], 'cannot tell the language of code.txt'));

  test('that may not be read', async (context) => {
    file('secret.py', 'print(1)');
    // Root reads everything, so that the program runs as somebody else then.
    const isRoot = process.getuid?.() === 0;
    const asOther = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    if (isRoot) {
      const trial = await runProgram('setpriv', [
        ...asOther,
        join(PROJECT_ROOT, 'bin/assay'),
        '--version',
      ]).catch(() => undefined);
      if (trial?.code !== 0)
        return context.skip('root reads everything, and another user cannot run the program here');
    }
    const chmod = await runProgram('chmod', ['700', folder]);
    expect(chmod.code).toBe(0);
    await runProgram('chmod', ['000', join(folder, 'secret.py')]);
    const program = join(PROJECT_ROOT, 'bin/assay');
    const args = ['run', join(folder, 'secret.py')];
    const { code, stderr } = isRoot
      ? await runProgram('setpriv', [...asOther, program, ...args], { env, cwd: '/' })
      : await runProgram(program, args, { env });
    expect({ code, stderr }).toEqual({
      code: 64,
      stderr: expect.stringMatching(/^assay: cannot read the code: .* may not be read by you/),
    });
  });
});

describe('options', () => {
  beforeEach(() => void file('a.py', 'print(1)'));
  test.each([
    [['--timeout', '-5'], /'--timeout <seconds>'.*It must be a number from 0.1 to 86400/],
    [['--memory', 'lots'], /'--memory <MiB>'.*whole number/],
    [['--policy', 'strictest'], 'there is no policy "strictest"'],
    [['--tests', 'nowhere.py'], 'cannot read the test file: nowhere.py does not exist'],
    [['--kind', 'pytest'], '--kind says what --tests holds'],
    [['--coverage-lines', '80'], 'coverage is that of tests'],
    [['--file', 'nowhere.csv'], /--file nowhere\.csv.*does not exist/],
    [['--file', 'a.py=../a.py'], 'files[0].path: must not leave the working folder'],
    [['--file', 'a.py='], 'must look like PATH or PATH=NAME'],
    [['--label', 'team'], 'must look like name=value'],
    [['--artifact', '/etc/*'], 'artifacts[0]: must be relative'],
    [['--key', 'a b'], 'key: use letters'],
    [['--force'], '--force goes with --out'],
    [['--detach', '--out', 'x'], 'cannot be used with'],
    [['--attempts', '0'], 'whole number from 1 to 100'],
  ])('%j', async (options, why) => {
    await refused(['run', 'a.py', ...options], why);
  });

  test('--detach where no server would outlive the command', async () => {
    using home = tempHome();
    const { code, stdout, stderr } = await assay(['run', 'a.py', '--detach'], {
      cwd: folder,
      env: { ASSAY_HOME: home.path },
    });
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^assay: --detach [^\n]* start assay dev in another terminal[^\n]*\n$/);
  });

  test('an empty test file', async () => {
    await refused(['run', 'a.py', '--tests', file('test_a.py', '\n')], 'test_a.py is empty');
  });

  test('cases that are no array', async () => {
    await refused(
      ['run', 'a.py', '--tests', file('cases.json', '{}')],
      'cases.json: must be an array of cases',
    );
  });

  test('an input file of 1 GB', async () => {
    await refused(['run', 'a.py', '--file', sparse('big.csv', 1e9)], /big\.csv is too large: 953\.7 MiB/);
  });
});

describe('the world', () => {
  test.each([
    [['run', 'a.py']],
    [['jobs', 'list']],
    [['jobs', 'show', 'x']],
    [['explain', 'x']],
    [['artifacts', 'list', 'x']],
  ])('%j with a server that does not answer exits 3', async (args) => {
    file('a.py', 'print(1)');
    const { code, stdout, stderr } = await assay([...args, '--address', '127.0.0.1:9'], { cwd: folder, env });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^assay: No Temporal server answers at 127\.0\.0\.1:9[^\n]*\n$/);
  });

  test('ASSAY_DEBUG shows where it went wrong', async () => {
    const { code, stderr } = await assay(['jobs', 'list', '--address', '127.0.0.1:9'], {
      env: { ...env, ASSAY_DEBUG: '1' },
    });
    expect(code).toBe(3);
    expect(stderr).toMatch(/\n {4}at /);
  });

  test('an environment that makes no sense is a matter of usage', async () => {
    const { code, stderr } = await assay(['jobs', 'list', '--address', '127.0.0.1:9'], {
      env: { ...env, E2B_API_URL: 'nonsense' },
    });
    expect(code).toBe(64);
    expect(stderr).toContain('E2B_API_URL must be an http or https URL');
  });
});
