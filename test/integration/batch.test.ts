import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { batchItems } from '../../src/cli/batch-items.ts';
import { tempFolder } from '../support/assay.ts';
import { BatchBrokenError, InvalidItemsError } from '../../src/client.ts';
import type { BatchHandle, ItemResult } from '../../src/client.ts';
import { openStore } from '../../src/store/open-store.ts';
import { knownItems } from '../support/batch-items.ts';
import type { KnownItem } from '../support/batch-items.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const rowsOf = (items: KnownItem[]) => ({ rows: items.map(({ row }) => row) });

/** One recorded verdict for each item, in order, none of them wrong, and no sandbox left. */
async function expectTruth(handle: BatchHandle, items: KnownItem[]): Promise<ItemResult[]> {
  const results = await Array.fromAsync(handle.results());
  expect(results.map(({ id }) => id)).toEqual(items.map(({ row }) => row.id));
  const wrong = results.filter((result, at) => result.verdict !== items[at]?.verdict);
  expect(wrong.map(({ id, verdict, attempts }) => [id, verdict, attempts.at(-1)?.ended])).toEqual([]);
  expect(await openSandboxesOf(stack.config, handle.batchId)).toEqual([]);
  return results;
}

describe('a batch', () => {
  test('ends with one verdict for each item, poison or not', async () => {
    const items = knownItems(60);
    const handle = await stack.assay.batches.start(rowsOf(items), { concurrency: 2 });
    const [result, byTheWay] = await Promise.all([
      handle.result(),
      Array.fromAsync(handle.results({ order: 'completion' })),
    ]);
    const results = await expectTruth(handle, items);
    expect(byTheWay.toSorted((a, b) => a.index - b.index)).toEqual(results);
    const counted = (verdict: string) => items.filter((item) => item.verdict === verdict).length;
    expect(result).toMatchObject({
      state: 'done',
      total: 60,
      done: 60,
      counts: {
        passed: counted('passed'),
        failed: counted('failed'),
        rejected: counted('rejected'),
        error: 0,
      },
    });
    expect(await handle.progress()).toMatchObject({ state: 'done', done: 60 });
    const table = await openStore(stack.config.storeUrl).get(result.parquet!);
    const rows = await parquetReadObjects({ file: new Uint8Array(table).buffer, columns: ['id', 'verdict'] });
    expect(rows).toEqual(results.map(({ id, verdict }) => ({ id, verdict })));
  });

  test('of a folder has tests that import the code by its own name', async () => {
    const folder = tempFolder();
    const js = (how: string, from: (name: string) => string) =>
      `${how}\n${from('test')}\n${from('assert')}\ntest('a', () => assert.equal(f(), 1));\n`;
    const required = (name: string) => `const ${name} = require('node:${name}');`;
    const imported = (name: string) => `import ${name} from 'node:${name}';`;
    const files = {
      'two_fer.py': 'def f(): return g()\ndef g(): return 1\n',
      'two_fer_test.py':
        'import two_fer, solution\nfrom two_fer import f\ndef test_f(monkeypatch):\n    assert two_fer is solution and f() == 1\n    monkeypatch.setattr("two_fer.g", lambda: 2)\n    assert f() == 2\n',
      'pack/three.py': 'def f(): return 3\n',
      'pack/test_three.py': 'from pack.three import f\ndef test_f(): assert f() == 3\n',
      'wrong.py': 'def f(): return 3\n',
      'wrong_test.py': 'from wrong import f\ndef test_f(): assert f() == 1\n',
      'common.js': 'module.exports.f = () => 1;\n',
      'common.test.js': js("const { f } = require('./common');", required),
      'es.js': 'export const f = () => 1;\nexport default f;\n',
      'es.test.js': js("import g, { f } from './es.js';\nif (g !== f) throw new Error('another');", imported),
      'typed.ts': 'export const f = (): number => 1;\n',
      'typed.test.ts': js("import { f } from './typed.ts';", imported),
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const handle = await stack.assay.batches.start(await batchItems(folder));
    const results = await Array.fromAsync(handle.results());
    expect(results.map(({ id, verdict, attempts }) => [id, verdict, attempts.at(-1)?.ended])).toEqual([
      ['common.js', 'passed', expect.anything()],
      ['es.js', 'passed', expect.anything()],
      ['pack/three.py', 'passed', expect.anything()],
      ['two_fer.py', 'passed', expect.anything()],
      ['typed.ts', 'passed', expect.anything()],
      ['wrong.py', 'failed', expect.stringContaining('1 of 1 tests failed')],
    ]);
  });

  test('gives its items again, with their code, in the order of the input', async () => {
    const rows = ['a', 'b', 'c'].map((id) => ({
      id,
      group: 'g',
      language: 'python',
      code: `print('${id}')`,
    }));
    const large = { id: 'd', language: 'python', code: `# ${'x'.repeat(50_000)}` };
    const handle = await stack.assay.batches.start({ rows: [...rows, large] });
    const items = await Array.fromAsync(handle.items());
    expect(items).toEqual([
      ...rows.map((row, index) => ({ index, ...row })),
      { index: 3, group: undefined, ...large },
    ]);
  });

  test('takes recorded verdicts again until they are removed', async () => {
    const rows = [{ id: 'once', language: 'python', code: `print('${randomUUID()}')` }];
    const cachedOf = async () => (await stack.assay.batches.run({ rows })).counts.cached;
    expect(await cachedOf()).toBe(0);
    expect(await cachedOf()).toBe(1);
    const { records, verdicts } = await stack.assay.recordedVerdicts.stats();
    expect(records).toBeGreaterThan(0);
    expect(verdicts.passed).toBeGreaterThan(0);
    expect(await stack.assay.recordedVerdicts.clear()).toBe(records);
    expect(await stack.assay.recordedVerdicts.stats()).toEqual({ records: 0, bytes: 0, verdicts: {} });
    expect(await cachedOf()).toBe(0);
  });

  test('gives each item a sandbox of its own where asked', async () => {
    const items = knownItems(12, { poison: false });
    const handle = await stack.assay.batches.start(rowsOf(items), { isolation: 'item', cache: false });
    await handle.result();
    const results = await expectTruth(handle, items);
    const used = results.flatMap(({ attempts }) => attempts.flatMap(({ sandboxId }) => sandboxId ?? []));
    expect(new Set(used).size).toBe(used.length);
  });

  test('what an item without tests leaves behind the next does not see', async () => {
    const leave = 'echo left > left.txt; echo left > ~/left.txt; echo left > /dev/shm/left; sleep 1000 &';
    const look = 'cat left.txt ~/left.txt /dev/shm/left in.txt; pgrep -x sleep';
    const py = (command: string): string => `import os; os.system(${JSON.stringify(command)})`;
    const js = `require('node:child_process').execSync(${JSON.stringify(leave.replace('&', '>&- 2>&- &'))})`;
    const rows = [
      { id: '1', language: 'python', code: py(leave), files: [{ path: 'in.txt', content: 'left' }] },
      { id: '2', language: 'bash', code: look },
      { id: '3', language: 'bash', code: leave },
      { id: '4', language: 'python', code: py(look) },
      { id: '5', language: 'javascript', code: js },
      { id: '6', language: 'bash', code: `${look}; true` },
    ].map((row) => ({ ...row, validate: { policy: 'off' } }));
    const handle = await stack.assay.batches.start({ rows }, { concurrency: 1, cache: false });
    await handle.result();
    const results = await Array.fromAsync(handle.results());
    const looks = results.filter((_, index) => index % 2 === 1);
    expect(looks.map(({ execution }) => execution?.stdout.text)).toEqual(['', '', '']);
    // Else there was nothing to see.
    expect(new Set(results.map(({ attempts }) => attempts[0]?.sandboxId)).size).toBe(1);
  });

  test("opens the next item's sandbox while one is at work, no more, and leaves none", async () => {
    const rows = Array.from({ length: 3 }, (_, at) => ({
      id: `own${at}`,
      language: 'python',
      code: 'import time; time.sleep(100)',
      limits: { timeoutMs: 120_000 },
    }));
    const options = { isolation: 'item', concurrency: 1, cache: false } as const;
    const handle = await stack.assay.batches.start({ rows }, options);
    const open = async () => (await openSandboxesOf(stack.config, handle.batchId)).length;
    await expect.poll(open, { timeout: 60_000 }).toBe(2);
    await sleep(1_000);
    expect(await open()).toBe(2);
    await handle.cancel();
    expect(await handle.result()).toMatchObject({ state: 'cancelled', done: 0 });
    expect(await open()).toBe(0);
  });

  test('executes items without tests, in any language, with files and artifacts', async () => {
    const rows = [
      {
        id: 'chart',
        language: 'python',
        code: 'print(open("in.txt").read())\n6 * 7',
        files: [{ path: 'in.txt', content: 'hello' }],
      },
      { id: 'file', language: 'bash', code: 'echo made > out.txt', artifacts: ['out.txt'] },
      {
        id: 'tested',
        language: 'python',
        code: 'def size(): return len(open("in.txt").read())',
        files: [{ path: 'in.txt', content: 'hello' }],
        tests: { kind: 'pytest', code: 'from solution import size\ndef test_size(): assert size() == 5' },
      },
      { id: 'js', language: 'javascript', code: 'throw new TypeError("no")' },
      { id: 'many', language: 'bash', code: 'touch f{1..1003}.txt', artifacts: ['*.txt'] },
    ];
    const handle = await stack.assay.batches.start({ rows });
    await handle.result();
    const [chart, file, tested, js, many] = await Array.fromAsync(handle.results());
    expect(chart).toMatchObject({ verdict: 'passed', execution: { stdout: { text: 'hello\n' } } });
    expect(file).toMatchObject({ verdict: 'passed', artifacts: [{ path: 'out.txt', bytes: 5 }] });
    expect([many?.artifacts.length, many?.artifactsOmitted]).toEqual([1000, 3]);
    expect(tested).toMatchObject({ verdict: 'passed', tests: { passed: 1 } });
    expect(js).toMatchObject({ verdict: 'failed', execution: { error: { name: 'TypeError' } } });
  });

  test('refuses bad items with their lines before anything starts, or records them', async () => {
    const [good] = knownItems(1);
    const rows = [
      good!.row,
      { id: 'a', language: 'cobol', code: 'x' },
      good!.row,
      { language: 'python', code: '1' },
      7,
    ];
    const refused = await stack.assay.batches
      .start({ rows }, { name: 'refused' })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InvalidItemsError);
    const { faults } = refused as InvalidItemsError;
    expect(faults.map(({ line, path }) => `${line} ${path}`)).toEqual(['2 language', '3 id', '4 id', '5 ']);
    await expect(stack.assay.batches.get('refused').progress()).rejects.toMatchObject({
      code: 'batch-not-found',
    });

    const handle = await stack.assay.batches.start(
      { rows: rows.filter((_, at) => at !== 2) },
      { skipBad: true },
    );
    expect(await handle.result()).toMatchObject({ done: 4, counts: { passed: 1, error: 3 } });
  });

  test('pauses, resumes and is cancelled while it runs', async () => {
    const slow = (at: number) => ({
      id: `s${at}`,
      language: 'python',
      code: 'import time; time.sleep(0.3)',
      validate: { policy: 'off' },
    });
    const rows = Array.from({ length: 200 }, (_, at) => slow(at));
    const listed = async (id: string) =>
      (await Array.fromAsync(stack.assay.batches.list())).find(({ batchId }) => batchId === id)?.state;
    const handle = await stack.assay.batches.start(
      { rows },
      { name: 'paused', concurrency: 1, cache: false },
    );
    await handle.pause();
    expect(await handle.progress()).toMatchObject({ state: 'paused' });
    await expect.poll(() => listed(handle.batchId), { timeout: 20_000 }).toBe('paused');
    await expect(handle.setConcurrency(0)).rejects.toThrow();
    await handle.setConcurrency(2);
    await handle.resume();
    for await (const { done } of handle.watch()) if (done > 0) break;
    await handle.cancel();
    const result = await handle.result();
    expect(result.state).toBe('cancelled');
    await expect.poll(() => listed(handle.batchId), { timeout: 20_000 }).toBe('cancelled');
    expect(result.done).toBeGreaterThan(0);
    expect(result.done).toBeLessThan(200);
    expect(await Array.fromAsync(handle.results())).toHaveLength(result.done);
    expect(await openSandboxesOf(stack.config, handle.batchId)).toEqual([]);
  });

  test.each(['input', 'completion'] as const)(
    'that is ended from outside gives what it has, by %s',
    async (order) => {
      const rows = Array.from({ length: 200 }, (_, at) => ({
        id: `b${at}`,
        language: 'python',
        code: 'import time; time.sleep(0.1)',
        tests: { kind: 'script', code: 'assert True' },
      }));
      const handle = await stack.assay.batches.start({ rows }, { concurrency: 2, cache: false });
      for await (const { done } of handle.watch()) if (done > 0) break;
      const { address } = stack.config.temporal;
      const connection = await Connection.connect({ address });
      await new Client({ connection }).workflow.getHandle(handle.batchId).terminate('the test says so');
      await connection.close();
      const ids: string[] = [];
      const reading = (async () => {
        for await (const { id } of handle.results({ order })) ids.push(id);
      })();
      await expect(reading).rejects.toThrow(BatchBrokenError);
      expect(ids.length).toBeGreaterThan(0);
      expect(new Set(ids).size).toBe(ids.length);
      await expect(handle.result()).rejects.toThrow('the test says so');
    },
  );

  test('takes recorded verdicts of the same items, unless told not to', async () => {
    const items = knownItems(20, { poison: false });
    const batchOf = async (cache: boolean) => {
      const handle = await stack.assay.batches.start(rowsOf(items), { cache });
      const { counts } = await handle.result();
      await expectTruth(handle, items);
      return counts.cached;
    };
    await batchOf(false);
    await batchOf(true);
    expect(await batchOf(true)).toBe(20);
    expect(await batchOf(false)).toBe(0);
    const [first] = items;
    const other = { ...first!.row, code: `${String(first!.row['code'])}# other`, id: 'other' };
    const handle = await stack.assay.batches.start({ rows: [other] });
    expect((await handle.result()).counts.cached).toBe(0);
  });

  test('stops after so many that did not pass', async () => {
    const rows = Array.from({ length: 500 }, (_, at) => ({
      id: `f${at}`,
      language: 'python',
      code: '1 / 0',
    }));
    const handle = await stack.assay.batches.start({ rows }, { failFast: 5, concurrency: 1, cache: false });
    const result = await handle.result();
    expect(result.state).toBe('stopped');
    expect(result.counts.failed).toBeGreaterThanOrEqual(5);
    expect(result.done).toBeLessThan(500);
  });

  test('an item whose runs do not agree is flaky', async () => {
    const code = 'import random\nassert random.random() < 0.5';
    const rows = Array.from({ length: 4 }, (_, at) => ({ id: `r${at}`, language: 'python', code }));
    const handle = await stack.assay.batches.start({ rows }, { attempts: 12 });
    const result = await handle.result();
    expect(result.counts.flaky).toBeGreaterThan(0);
    const flaky = (await Array.fromAsync(handle.results())).find((item) => item.flaky);
    expect(flaky?.flaky?.runs).toBe(12);
  });
});
