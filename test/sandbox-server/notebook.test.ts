import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

// What people who write cells for a notebook count on.

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer();
}, 60_000);
afterAll(() => server.stop());
beforeEach(async () => {
  sandbox = await Sandbox.create(server.connection);
});
afterEach(() => sandbox.kill());

const run = (code: string, language = 'python') => sandbox.runCode(code, { language, timeoutMs: 20_000 });
const stdoutOf = async (code: string) => (await run(code)).logs.stdout.join('');

test('the contexts that every sandbox has come first, and new ones last', async () => {
  const languages = (await sandbox.listCodeContexts()).map((context) => context.language);
  expect(languages).toEqual(['python', 'javascript']);
  const made = await sandbox.createCodeContext({ cwd: '/root' });
  expect((await sandbox.listCodeContexts()).at(-1)).toMatchObject({ id: made.id, cwd: '/root' });
  const there = await sandbox.runCode('import os; os.path.samefile(".", "/root")', { context: made });
  expect(there.text).toBe('True');
});

test('figures are displayed without show, with the magics that ask for it, and where the cell fails after', async () => {
  for (const magic of ['', '%matplotlib inline\n', '%matplotlib widget\n']) {
    const { results, error } = await run(`${magic}import matplotlib.pyplot as plt\nplt.plot([1, 2]);`);
    expect(error, magic).toBeUndefined();
    expect(results, magic).toHaveLength(1);
    expect(results[0]?.chart).toMatchObject({ type: 'line' });
    expect(results[0]?.png).toBeDefined();
  }
  const failed = await run('plt.plot([1]); raise ValueError("after")');
  expect(failed.error).toMatchObject({ name: 'ValueError' });
  expect(failed.results[0]?.png).toBeDefined();
  expect(failed.logs.stderr).toEqual([]);
});

test('a picture is displayed where it is shown or saved, once', async () => {
  await run('from PIL import Image\npicture = Image.new("RGB", (4, 4))');
  for (const code of ['picture.show()', 'picture.save("p.png")', 'picture']) {
    const { results } = await run(code);
    expect(
      results.map((each) => each.png?.slice(0, 8)),
      code,
    ).toEqual(['iVBORw0K']);
  }
  expect((await run('import io; picture.save(io.BytesIO(), "png")')).results).toEqual([]);
  const saved = await run(
    'import matplotlib.pyplot as plt\nplt.plot([1]); plt.savefig("f.png"); plt.close()',
  );
  expect(saved.results).toEqual([]);
});

test('box plots over one another are the filled ones', async () => {
  const { results } = await run(
    'import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.boxplot([[1, 2, 3]], labels=["a"])\nax.boxplot([[1, 2, 3]], labels=["a"], patch_artist=True)\nplt.show()',
  );
  expect(results[0]?.chart).toMatchObject({ type: 'box_and_whisker', elements: [{ label: 'a', median: 2 }] });
});

test('charts are told as they were drawn: names of boxes, lying boxes, bars of one height', async () => {
  const chartOf = async (code: string) => {
    const start =
      'import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.set_xlabel("x (s)"); ax.set_ylabel("y")\n';
    const { results, logs } = await run(`${start}${code}\nplt.show()`);
    expect(logs.stderr, code).toEqual([]);
    return results[0]?.chart;
  };
  expect(
    await chartOf('import seaborn\nseaborn.boxplot(x=["a", "a", "b"], y=[1, 2, 3], ax=ax)'),
  ).toMatchObject({
    type: 'box_and_whisker',
    elements: [{ label: 'a' }, { label: 'b' }],
  });
  expect(await chartOf('ax.boxplot([[1, 2, 3]], tick_labels=["a"], vert=False)')).toMatchObject({
    elements: [{ label: 'a', median: 2 }],
    x_label: 'y',
    y_label: 'x (s)',
    y_unit: 's',
  });
  const bars = [
    { label: 'a', value: 5, group: 'Group 0' },
    { label: 'b', value: 5, group: 'Group 0' },
  ];
  const labels = { x_label: 'x (s)', y_label: 'y' };
  expect(await chartOf('ax.bar(["a", "b"], [5, 5])')).toMatchObject({
    type: 'bar',
    elements: bars,
    ...labels,
  });
  expect(await chartOf('ax.barh(["a", "b"], [5, 5])')).toMatchObject({
    elements: bars,
    x_label: 'y',
    y_label: 'x (s)',
  });
});

test('a group of exceptions and a magic that does not exist are errors', async () => {
  expect((await run('raise ExceptionGroup("several", [ValueError(1)])')).error).toMatchObject({
    name: 'ExceptionGroup',
    value: expect.stringContaining('several'),
  });
  expect((await run('%no_such_magic')).error).toMatchObject({ name: 'UsageError' });
  expect((await run('1/0')).error).toMatchObject({ name: 'ZeroDivisionError' });
  expect((await run('1')).error).toBeUndefined();
});

test('a cell that closes or drops stdout is the last that cannot print', async () => {
  for (const code of ['sys.stdout.close()', 'sys.stdout = None', 'os.close(1)', 'os.close(2)']) {
    await run(`import os, sys; ${code}`);
    expect(await stdoutOf('print("printed")'), code).toBe('printed\n');
  }
});

test('a process that a cell forks and does not end is no second interpreter', async () => {
  await run('import os\nx = 1\nchild = os.fork()\nif child == 0: x = 2\nx');
  for (let round = 0; round < 5; round++) {
    const { text, logs } = await run('print("once"); x');
    expect([text, logs.stdout.join('')]).toEqual(['1', 'once\n']);
  }
  expect(await stdoutOf('print(os.waitpid(child, 0)[1])')).toBe('0\n');
});

test('tasks are made without await, go on between cells, and leave asyncio.run as it is', async () => {
  const made = await run(
    'import asyncio\ndone = []\nasync def later():\n  await asyncio.sleep(0.05)\n  done.append(1)\ntask = asyncio.create_task(later())\n1',
  );
  expect(made.error).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await run('done')).text).toBe('[1]');
  expect((await run('await task; asyncio.run(later()); len(done)')).error).toMatchObject({
    name: 'RuntimeError',
  });
  expect((await run('asyncio.run(later()); len(done)')).text).toBe('2');
  expect((await run('asyncio.get_event_loop().run_until_complete(later()); len(done)')).text).toBe('3');
});

test('names that a cell breaks in shared modules do not break the kernel', async () => {
  await run('import json, os; json.dumps = json.loads = os.write = os.read = None');
  expect((await run('{"a": 1}')).text).toBe("{'a': 1}");
  await run('JSON.stringify = Promise = null; globalThis.console = null; 1', 'javascript');
  expect((await run('2', 'javascript')).text).toBe('2');
});

test('whole numbers of chart data stay floats for a client that tells them apart', async () => {
  const answer = await fetch(`${server.url}/execute`, {
    method: 'POST',
    headers: {
      'e2b-sandbox-id': sandbox.sandboxId,
      'e2b-sandbox-port': '49999',
      'x-access-token': Reflect.get(sandbox, 'envdAccessToken') as string,
    },
    body: JSON.stringify({ code: 'import matplotlib.pyplot as plt\nplt.plot([0.0, 1.0]); plt.show()' }),
  });
  const line = (await answer.text()).split('\n').find((each) => each.includes('"type":"result"'));
  expect(line).toMatch(/"points": \[\[0(\.0)?, 0\.0\], \[1(\.0)?, 1\.0\]\]/);
});

test('an object literal is a value, a block is a block', async () => {
  for (const language of ['javascript', 'typescript']) {
    const shown = await run('{ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>" }) }', language);
    expect(shown.results[0]?.html, language).toBe('<b>');
    expect((await run('{ a: 1 }', language)).results[0]?.json, language).toEqual({ a: 1 });
    expect((await run('{ const z = 1; z + 1 }', language)).text, language).toBe('2');
  }
});

test('Deno is TypeScript with names of Deno, and packages of a registry are the installed ones', async () => {
  expect((await run('const n: number = 1; Deno.cwd() + n', 'deno')).text).toBe('/home/user1');
  const withVariable = { language: 'deno', envs: { HERE: 'yes' } };
  expect((await sandbox.runCode('Deno.env.get("HERE")', withVariable)).text).toBe('yes');
  expect((await run('Deno.env.get("HERE") ?? "unset"', 'deno')).text).toBe('unset');
  await run('await Deno.writeTextFile("a.txt", "text")', 'deno');
  expect((await run('Deno.readTextFileSync("a.txt")', 'deno')).text).toBe('text');
  await sandbox.files.write('/home/user/node_modules/@own/tool/index.js', 'module.exports = () => "found"');
  expect((await run('import tool from "npm:@own/tool@^1.0"; tool()', 'javascript')).text).toBe('found');
  for (const language of ['typescript', 'ts', 'tslab']) {
    expect((await run('const of: string = typeof Deno; of', language)).text, language).toBe('undefined');
  }
});
