import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

import { NotFoundError, Sandbox, TimeoutError } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer();
  sandbox = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
}, 60_000);
afterAll(() => server.stop());

function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('e2b-sandbox-id', sandbox.sandboxId);
  headers.set('e2b-sandbox-port', '49999');
  headers.set('x-access-token', Reflect.get(sandbox, 'envdAccessToken') as string);
  return fetch(`${server.url}${path}`, { ...init, headers });
}

test('state is kept from run to run; results, output and counts come apart', async () => {
  await sandbox.runCode('x = 20');
  const run = await sandbox.runCode('import sys\nprint("out")\nprint("err", file=sys.stderr)\nx + 1');
  expect(run.text).toBe('21');
  expect(run.logs.stdout.join('')).toBe('out\n');
  expect(run.logs.stderr.join('')).toBe('err\n');
  expect(run.executionCount).toBeGreaterThan(1);
});

test("what the start-up of E2B's interpreter leaves is there without an import", async () => {
  const own = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
  const { text } = await own.runCode('[os.getcwd(), pd is pandas, IPython.get_ipython() is not None]');
  expect(text).toBe("['/home/user', True, True]");
  expect((await own.runCode('%who')).logs.stdout.join('')).toContain('Interactive namespace is empty');
  await own.kill();
});

test('an exception has its name, value and traceback', async () => {
  const { error } = await sandbox.runCode('def f():\n  return 1/0\nf()');
  expect(error).toMatchObject({ name: 'ZeroDivisionError', value: 'division by zero' });
  expect(stripVTControlCharacters(error?.traceback ?? '')).toContain('return 1/0');
});

test('a DataFrame is HTML, a figure is PNG with chart data', async () => {
  const frame = await sandbox.runCode('import pandas as pd\npd.DataFrame({"a": [1, 2]})');
  expect(frame.results[0]?.html).toContain('<table');
  const figure = await sandbox.runCode(
    'import matplotlib.pyplot as plt\nplt.bar(["a", "b"], [1, 2])\nplt.title("T")\nplt.show()',
  );
  const [result] = figure.results;
  expect(
    Buffer.from(result?.png ?? '', 'base64')
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
  expect(result?.chart).toMatchObject({ type: 'bar', title: 'T' });
});

test.each([
  ['javascript', 'const a = [1, 2]; console.log("hi"); a.length + 1', '3'],
  ['typescript', 'const n: number = 20; console.log("hi"); n + 1', '21'],
  ['bash', 'echo hi', undefined],
])('%s runs', async (language, code, text) => {
  const run = await sandbox.runCode(code, { language });
  expect(run.error).toBeUndefined();
  expect(run.logs.stdout.join('')).toBe('hi\n');
  if (text !== undefined) expect(run.text).toBe(text);
});

test('spreadsheets, tables as text, formulas and pages of HTML need no installation', async () => {
  const { text, error } = await sandbox.runCode(`
import bs4, pandas, sympy
pandas.DataFrame({'a': [1, 2]}).to_excel('a.xlsx', index=False)
x = sympy.symbols('x')
(pandas.read_excel('a.xlsx').to_markdown().count('|'), str(sympy.integrate(x**2, x)), bs4.BeautifulSoup('<b>hi</b>', 'html.parser').b.text)`);
  expect(error).toBeUndefined();
  expect(text).toBe("(12, 'x**3/3', 'hi')");
});

test('variables of one run are set for it and gone after', async () => {
  const envs = { AWKWARD: `a'b"c\nd` };
  const during = await sandbox.runCode('import os; print(os.environ.get("AWKWARD"))', { envs });
  expect(during.logs.stdout.join('')).toBe(`${envs.AWKWARD}\n`);
  expect((await sandbox.runCode('os.environ.get("AWKWARD") is None')).text).toBe('True');
});

test('contexts are made, listed, restarted and removed', async () => {
  const context = await sandbox.createCodeContext({ cwd: '/tmp' });
  expect(context).toMatchObject({ language: 'python', cwd: '/tmp' });
  expect((await sandbox.runCode('y = 1\nimport os; os.getcwd()', { context })).text).toBe('/tmp');
  expect((await sandbox.listCodeContexts()).map((each) => each.id)).toContain(context.id);
  await sandbox.restartCodeContext(context);
  const fresh = await sandbox.runCode('import os; (os.getcwd(), "y" in globals())', { context });
  expect(fresh.text).toBe(`('/tmp', False)`);
  await sandbox.removeCodeContext(context);
  await expect(sandbox.runCode('1', { context })).rejects.toBeInstanceOf(NotFoundError);
  await expect(sandbox.removeCodeContext(context)).rejects.toBeInstanceOf(NotFoundError);
});

test('an unknown language is a clear 400, and so are a context and a language at once', async () => {
  const post = async (body: object): Promise<unknown[]> => {
    const answer = await raw('/execute', { method: 'POST', body: JSON.stringify(body) });
    return [answer.status, ((await answer.json()) as { message: string }).message];
  };
  expect(await post({ code: '1', language: 'cobol' })).toEqual([400, expect.stringContaining('cobol')]);
  expect(await post({ code: '1', language: 'python', context_id: 'x' })).toEqual([
    400,
    expect.stringContaining('only one'),
  ]);
});

test('a refusal reaches the user of the SDK in words', async () => {
  await expect(sandbox.runCode('1', { language: 'cobol\r\nx: é' })).rejects.toThrow(
    "400 unknown language 'cobol??x: ?'",
  );
  await expect(sandbox.createCodeContext({ cwd: '/no/such' })).rejects.toThrow("'/no/such' does not exist");
});

test('a run after one that was given up works at once', async () => {
  const context = await sandbox.createCodeContext();
  const slow = sandbox.runCode('z = 5\nwhile True: pass', { context, timeoutMs: 500 });
  await expect(slow).rejects.toBeInstanceOf(TimeoutError);
  const started = performance.now();
  expect((await sandbox.runCode('z', { context })).text).toBe('5');
  expect(performance.now() - started).toBeLessThan(4000);
});

test('an interpreter that is killed is reported and replaced', async () => {
  const context = await sandbox.createCodeContext();
  const died = await sandbox.runCode('import os; os.kill(os.getpid(), 9)', { context });
  expect(died.error?.name).toBe('KernelDied');
  expect((await sandbox.runCode('1 + 1', { context })).text).toBe('2');
});

test('20 MB of output in one line arrive whole, in short lines, with flat memory in the server', async () => {
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
  const before = rss();
  let characters = 0;
  let peak = 0;
  await sandbox.runCode('print("é" * 20_000_000)', {
    onStdout: ({ line }) => {
      characters += line.length;
      peak = Math.max(peak, rss());
    },
  });
  expect(characters).toBe(20_000_001);
  expect(peak - before).toBeLessThan(120);
}, 30_000);

test(
  'what a cell prints is not kept: it may print more than the sandbox has memory',
  { timeout: 60_000 },
  async () => {
    const small = await startTestSandboxServer({ args: ['--memory-mb', '256'] });
    try {
      const own = await Sandbox.create(small.connection);
      const code = 'size = 1048575\nfor _ in range(300): print("x" * size)';
      const answer = await fetch(`${small.url}/execute`, {
        method: 'POST',
        headers: {
          'e2b-sandbox-id': own.sandboxId,
          'e2b-sandbox-port': '49999',
          'x-access-token': Reflect.get(own, 'envdAccessToken') as string,
        },
        body: JSON.stringify({ code }),
      });
      let bytes = 0;
      let end = '';
      for await (const chunk of answer.body ?? []) {
        bytes += chunk.length;
        end = (end + Buffer.from(chunk).toString('latin1')).slice(-500);
      }
      expect(bytes).toBeGreaterThan(300 * 1048576);
      expect(end).toContain('"type":"end_of_execution"');
      expect(end).not.toContain('"type":"error"');
    } finally {
      await small.stop();
    }
  },
);

test('the headers of a silent run come at once, and its keepalive later', async () => {
  const started = performance.now();
  const answer = await raw('/execute', {
    method: 'POST',
    body: JSON.stringify({ code: 'import time; time.sleep(6)' }),
  });
  expect(performance.now() - started).toBeLessThan(1000);
  expect(await answer.text()).toContain('{"type":"keepalive"}\n');
}, 15_000);

test('a run whose sandbox is killed fails and does not look finished', async () => {
  const doomed = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
  const running = doomed.runCode('print("begun")\nimport time; time.sleep(60)', {
    onStdout: () => void doomed.kill(),
  });
  await expect(running).rejects.toBeInstanceOf(TimeoutError);
  await expect(doomed.runCode('1')).rejects.toBeInstanceOf(TimeoutError);
});

test('the Python of commands is that of cells, with a library of the same build', async () => {
  const program = [
    'import ssl, sys',
    `print(sys.version, [line.split()[-1] for line in open('/proc/self/maps') if '/libpython' in line][:1])`,
  ].join('; ');
  const { logs, error } = await sandbox.runCode(program);
  expect(error).toBeUndefined();
  const { stdout } = await sandbox.commands.run(`python3 -c "${program}"`);
  expect(stdout).toBe(logs.stdout.join(''));
});

test('pip puts packages into the home folder, with --user too, and into an environment that is made', async () => {
  const wheel = [
    'import zipfile',
    "with zipfile.ZipFile('tiny-1.0-py3-none-any.whl', 'w') as z:",
    "  z.writestr('tiny.py', 'import sys; where = __file__')",
    "  z.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')",
    "  z.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')",
    "  z.writestr('tiny-1.0.dist-info/RECORD', '')",
  ].join('\n');
  await sandbox.files.write('wheel.py', wheel);
  const install = async (pip: string, python: string): Promise<string> => {
    const { stdout } = await sandbox.commands.run(
      `python3 wheel.py && ${pip} install --quiet --no-index ./tiny-1.0-py3-none-any.whl && ${python} -c 'import tiny; print(tiny.where)'`,
    );
    return stdout.trim();
  };
  expect(await install('pip', 'python3')).toMatch(/^\/home\/user\/\.local\//);
  await sandbox.commands.run('pip uninstall --yes tiny');
  const ofUser = await install('f() { pip "$@" --user; }; f', 'python3');
  expect(ofUser).toMatch(/^\/home\/user\/\.local\//);
  await sandbox.commands.run('pip uninstall --yes tiny && python3 -m venv /tmp/own');
  expect(await install('/tmp/own/bin/pip', '/tmp/own/bin/python')).toMatch(/^\/tmp\/own\//);
});

test('no two interpreters draw the same random numbers', async () => {
  const draw = `
import json, os, random, secrets, ssl, tempfile, uuid
drawn = [random.random(), ssl.RAND_bytes(16).hex(), secrets.token_hex(), str(uuid.uuid4()), tempfile.mktemp()]
import numpy
drawn += [numpy.random.random(), numpy.random.default_rng().random()]
print(json.dumps(drawn))`;
  const all: unknown[] = [];
  for (let at = 0; at < 3; at++) {
    const own = await Sandbox.create(server.connection);
    const contexts = [undefined, await own.createCodeContext()];
    for (const context of contexts) {
      const { logs } = await own.runCode(draw, context && { context });
      all.push(...(JSON.parse(logs.stdout.join('')) as unknown[]));
    }
    await own.kill();
  }
  expect(new Set(all).size).toBe(all.length);
});
