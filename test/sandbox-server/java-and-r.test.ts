import { execFileSync } from 'node:child_process';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  sandbox = await Sandbox.create({ ...server.connection, envs: { OF_THE_SANDBOX: 'there' } });
}, 60_000);
afterAll(() => server.stop());

/** Whether the machine has a program; a language that it has not is said on the console, for its tests do not run then. */
function has(program: string, language: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${program}`], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    return true;
  } catch {
    console.warn(
      `${language} is not installed (there is no ${program}): what is tested of it is that it is missing`,
    );
    return false;
  }
}

const run = (code: string, language: string, envs?: Record<string, string>) =>
  sandbox.runCode(code, { language, timeoutMs: 30_000, ...(envs ? { envs } : {}) });
const stdoutOf = async (code: string, language: string) => (await run(code, language)).logs.stdout.join('');

test.each([
  ['java', 'JDK'],
  ['r', 'Rscript'],
])('%s where it is not installed is a clear 400', async (language, what) => {
  const bare = await Sandbox.create({ ...server.connection, envs: { PATH: '/nowhere' } });
  for (const [path, body] of [
    ['/execute', { code: '1', language }],
    ['/contexts', { language }],
  ] as const) {
    const answer = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: {
        'e2b-sandbox-id': bare.sandboxId,
        'e2b-sandbox-port': '49999',
        'x-access-token': Reflect.get(bare, 'envdAccessToken') as string,
      },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(new RegExp(`'${language}' is not installed.*${what}`));
  }
  await bare.kill();
});

describe.skipIf(!has('jshell', 'Java'))('Java', { timeout: 60_000 }, () => {
  test('keeps what cells declare and shows the value of the last expression', async () => {
    await run('int x = 20;\nint twice(int n) { return n * 2; }\nrecord Pair(int a, String b) {}', 'java');
    expect((await run('twice(x) + 2', 'java')).text).toBe('42');
    expect((await run('new Pair(1, "one")', 'java')).text).toBe('Pair[a=1, b=one]');
    expect((await run('new int[][] {{1}, {2, 3}}', 'java')).text).toBe('[[1], [2, 3]]');
    expect((await run('Stream.of(1, 2).map(n -> n + 1).collect(Collectors.toList())', 'java')).text).toBe(
      '[2, 3]',
    );
    expect((await run('int quiet = 1;', 'java')).results).toEqual([]);
    expect((await run('x = 21', 'java')).text).toBe('21');
  });

  test('streams what is printed, in order and whole', async () => {
    const { logs } = await run('System.out.println("Hello"); System.err.println("é€😀");', 'java');
    expect(logs.stdout).toEqual(['Hello', '\n']);
    expect(logs.stderr.join('')).toBe('é€😀\n');
    const lines = Array.from({ length: 50_000 }, (_, n) => `${n}\n`).join('');
    expect(await stdoutOf('for (int i = 0; i < 50_000; i++) System.out.println(i);', 'java')).toBe(lines);
  });

  test('prints after a cell that closed or dropped System.out', async () => {
    for (const code of ['System.out.close()', 'System.setOut(null)', 'System.setErr(null)']) {
      await run(code, 'java');
      const { logs } = await run('System.out.print("out"); System.err.print("err");', 'java');
      expect([logs.stdout.join(''), logs.stderr.join('')], code).toEqual(['out', 'err']);
    }
  });

  test('tells of exceptions and of code that does not compile', async () => {
    const { error } = await run('int half(int n) { return n / 0; }\nhalf(2)', 'java');
    expect(error).toMatchObject({ name: 'java.lang.ArithmeticException', value: '/ by zero' });
    expect(error?.traceback).toContain('half');
    expect((await run('int y = "text";', 'java')).error).toMatchObject({
      name: 'CompilationException',
      value: expect.stringContaining('incompatible types'),
    });
    expect((await run('twice(', 'java')).error?.name).toBe('CompilationException');
    const stopped = await run('System.out.println(1); throw new RuntimeException("no"); ', 'java');
    expect(stopped.error).toMatchObject({ name: 'java.lang.RuntimeException', value: 'no' });
  });

  test('has variables as properties, for the sandbox and for one run', async () => {
    expect((await run('System.getProperty("OF_THE_SANDBOX")', 'java')).text).toBe('there');
    const own = await run('System.getProperty("OF_THE_SANDBOX")', 'java', { OF_THE_SANDBOX: 'other' });
    expect(own.text).toBe('other');
    expect((await run('System.getProperty("OF_THE_SANDBOX")', 'java')).text).toBe('there');
    expect((await run('System.getProperty("user.dir")', 'java')).text).toBe('/home/user');
  });

  test('can be interrupted, and comes back after an exit and a full heap', async () => {
    await run('int kept = 5;', 'java');
    await expect(
      sandbox.runCode('while (true) {}', { language: 'java', timeoutMs: 1_000 }),
    ).rejects.toThrow();
    expect((await run('1 + 1', 'java')).text).toBe('2');
    expect((await run('System.exit(3)', 'java')).error).toMatchObject({
      name: 'KernelDied',
      value: expect.stringContaining('exit code 3'),
    });
    expect((await run('kept', 'java')).error?.name).toBe('CompilationException');
    const full = await run(
      'var all = new ArrayList<byte[]>(); while (true) all.add(new byte[1 << 20]);',
      'java',
    );
    expect(full.error?.name).toBe('java.lang.OutOfMemoryError');
    expect(full.logs.stderr.join('')).toContain('starts anew');
    expect((await run('2 + 2', 'java')).text).toBe('4');
  });
});

describe.skipIf(!has('Rscript', 'R'))('R', { timeout: 60_000 }, () => {
  test('keeps its state and shows visible values, the last as the result', async () => {
    await run('x <- 20', 'r');
    const { results, text } = await run('x\nx * 2 + 2', 'r');
    expect(results.map((each) => each.text)).toEqual(['[1] 20', '[1] 42']);
    expect(text).toBe('[1] 42');
    expect((await run('invisible(3)', 'r')).results).toEqual([]);
    expect((await run('data.frame(a = 1:2)', 'r')).text).toBe('  a\n1 1\n2 2');
  });

  test('streams what is printed, warned and said', async () => {
    const { logs } = await run('print("Hello"); cat("é€😀\\n"); message("said"); warning("careful")', 'r');
    expect(logs.stdout.join('')).toBe('[1] "Hello"\né€😀\n');
    expect(logs.stderr.join('')).toMatch(/said\n.*careful/s);
  });

  test('tells of errors with the calls that led there', async () => {
    const { error } = await run('f <- function(n) stop("boom")\ng <- function() f(1)\ng()', 'r');
    expect(error).toMatchObject({ name: 'ERROR', value: 'Error in f(1): boom' });
    expect(error?.traceback).toMatch(/1\. g\(\)\n2\. f\(1\)/);
    expect((await run('1 +', 'r')).error?.value).toContain('unexpected end of input');
    expect((await run('readline("name? ")', 'r')).error?.value).toContain('nothing can be typed');
  });

  test('shows plots as pictures', async () => {
    const { results } = await run('plot(1:3)\nhist(c(1, 2, 2))', 'r');
    const pictures = results.map((each) =>
      Buffer.from(each.png ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    );
    expect(pictures).toEqual(['PNG', 'PNG']);
    expect((await run('1', 'r')).results).toHaveLength(1);
  });

  test('is not disturbed by names that a cell defines anew', async () => {
    await run('T <- 0; c <- paste <- function(...) stop("own"); print <- 5; list <- NULL', 'r');
    expect((await run('x <- 3', 'r')).logs.stderr).toEqual([]);
    expect((await run('x', 'r')).text).toBe('[1] 3');
    expect((await run('stop("told")', 'r')).error?.value).toBe('Error: told');
    await run('rm(list = ls(all.names = TRUE))', 'r');
  });

  test('has variables, for the sandbox and for one run', async () => {
    const get = 'cat(Sys.getenv("OF_THE_SANDBOX"), Sys.getenv("ONLY_NOW", unset = "unset"))';
    expect((await run(get, 'r', { OF_THE_SANDBOX: 'other', ONLY_NOW: 'yes' })).logs.stdout.join('')).toBe(
      'other yes',
    );
    expect(await stdoutOf(get, 'r')).toBe('there unset');
  });

  test('can be interrupted, and comes back after it has quit', async () => {
    await run('kept <- 5', 'r');
    await expect(sandbox.runCode('while (TRUE) {}', { language: 'r', timeoutMs: 1_000 })).rejects.toThrow();
    expect((await run('kept', 'r')).text).toBe('[1] 5');
    expect((await run('quit(status = 3)', 'r')).error?.value).toContain('exit code 3');
    expect((await run('exists("kept")', 'r')).text).toBe('[1] FALSE');
  });
});
