import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, describe } from 'vitest';
import { batchItems, columnMap } from '../../src/cli/batch-items.ts';
import { exitCodeOfBatch } from '../../src/cli/batch-run.ts';
import { filesUnderOwnName } from '../../src/cli/own-name.ts';
import { tempFolder } from '../support/assay.ts';

describe('items', () => {
  test('of a folder are the files with tests beside, by their paths', async () => {
    const folder = tempFolder();
    const file = (name: string, content: string) => {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), content);
    };
    for (const name of ['b/solve.py', 'a.ts', 'c.js', 'lonely.py', 'node_modules/x/y.js'])
      file(name, `# ${name}`);
    for (const name of ['b/test_solve.py', 'a.test.ts', 'c.test.js', 'node_modules/x/y.test.js'])
      file(name, `# ${name}`);
    file('d.py', '# d.py');
    file('d_test.py', '# d_test.py');
    const items = await batchItems(folder);
    const rows = await Array.fromAsync('rows' in items ? items.rows : []);
    const row = (id: string, language: string, kind: string, testFile: string) => ({
      ...{ id, language, code: `# ${id}`, tests: { kind, code: `# ${testFile}` } },
    });
    expect(rows).toEqual([
      row('a.ts', 'typescript', 'node', 'a.test.ts'),
      row('b/solve.py', 'python', 'pytest', 'b/test_solve.py'),
      row('c.js', 'javascript', 'node', 'c.test.js'),
      row('d.py', 'python', 'pytest', 'd_test.py'),
    ]);
  });

  test('of a folder are refused where a file is not UTF-8', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'a.py'), Buffer.from([0x61, 0xff]));
    writeFileSync(join(folder, 'a_test.py'), '');
    const items = await batchItems(folder);
    await expect(Array.fromAsync('rows' in items ? items.rows : [])).rejects.toThrow(/a\.py is not UTF-8/);
  });

  test('of a folder can be imported by their own names where their tests do so', () => {
    const paths = (path: string, tests: string) =>
      filesUnderOwnName({ path, language: 'python', code: '' }, tests).map((file) => file.path);
    expect(paths('a/two_fer.py', 'from two_fer import f')).toEqual(['two_fer.py']);
    expect(paths('a/two_fer.py', 'from a.two_fer import f')).toEqual(['a/two_fer.py']);
    expect(paths('a/b/c.py', 'import os, c as d\nfrom a.b import x, c')).toEqual(['c.py', 'a/b/c.py']);
    expect(paths('a/queue.py', 'from solution import queue\nimport x.queue, queues')).toEqual([]);
    expect(paths('a/solution.py', 'from a.solution import f')).toEqual([]);
  });

  test('of CSV come by a map', () => {
    expect(columnMap('id=task, tests.code=a=b')).toEqual({ id: 'task', 'tests.code': 'a=b' });
  });
});

test('the exit code says the worst', () => {
  const none = { passed: 3, failed: 0, rejected: 0, error: 0, cached: 0, flaky: 0 };
  const code = (counts: object, state: 'done' | 'stopped' | 'cancelled' = 'done') =>
    exitCodeOfBatch({ state, counts: { ...none, ...counts } });
  expect(code({})).toBe(0);
  expect(code({ failed: 1 })).toBe(1);
  expect(code({ failed: 1 }, 'stopped')).toBe(1);
  expect(code({ rejected: 1 })).toBe(1);
  expect(code({ failed: 1, error: 1 })).toBe(3);
  expect(code({}, 'cancelled')).toBe(3);
});
