import { describe, expect, test } from 'vitest';
import { rowsOfCsv } from '../../../src/client/batch/csv-rows.ts';
import type { ColumnMap } from '../../../src/client/batch/csv-rows.ts';
import { writeItems } from '../../../src/client/batch/write-items.ts';
import { openStore } from '../../../src/store/open-store.ts';

async function* chunksOf(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
}
const rows = (text: string | Uint8Array, map?: ColumnMap) => Array.fromAsync(rowsOfCsv(chunksOf(text), map));

test('columns are the fields of their names, numbers and lists as JSON, code as it stands', async () => {
  const text =
    '\uFEFFid,code,limits.timeoutMs,artifacts,labels.team\r\n1,"print(""ä"")\nprint(2)",500,"[""out/*""]",7\r\n\r\n2,3,,,\r\n';
  expect(await rows(text)).toEqual([
    {
      line: 3,
      value: {
        id: '1',
        code: 'print("ä")\nprint(2)',
        limits: { timeoutMs: 500 },
        artifacts: ['out/*'],
        labels: { team: '7' },
      },
    },
    { line: 5, value: { id: '2', code: '3' } },
  ]);
});

test('a map says which columns are meant, and leaves out the others', async () => {
  const text = 'task,solution,check,note\na,x = 1,assert x,"{"\n';
  const map = { id: 'task', code: 'solution', 'tests.code': 'check' };
  expect(await rows(text, map)).toEqual([
    { line: 2, value: { id: 'a', code: 'x = 1', tests: { code: 'assert x' } } },
  ]);
});

describe('faults', () => {
  test('a column that is not there', async () => {
    expect(await rows('a,b\n1,2\n', { id: 'task' })).toEqual([
      { line: 1, fault: 'has no column task; it has a, b' },
    ]);
  });

  test('a row with more or fewer cells, and those after it are read', async () => {
    expect(await rows('id,code\na,x\nb,y,z\nc\nd,w\n')).toEqual([
      { line: 2, value: { id: 'a', code: 'x' } },
      { line: 3, fault: 'has more or fewer cells than the header' },
      { line: 4, fault: 'has more or fewer cells than the header' },
      { line: 5, value: { id: 'd', code: 'w' } },
    ]);
  });

  test('a column that is there twice, of which one would be lost', async () => {
    expect(await rows('id,code,id\na,x,b\n')).toEqual([{ line: 1, fault: 'has the column id twice' }]);
  });

  test('bytes that are no UTF-8, and rows after them are read', async () => {
    const bytes = Buffer.from('\uFEFF"id",cödé,note\na,?,1\nb,ä,2\n').map((byte) =>
      byte === 0x3f ? 0xff : byte,
    );
    const b = { line: 3, value: { id: 'b', code: 'ä' } };
    const map = { id: 'id', code: 'cödé' };
    expect(await rows(bytes, map)).toEqual([{ line: 2, fault: 'is not UTF-8' }, b]);
  });

  test('a quote that is never closed', async () => {
    const found = await rows('id,code\na,x\nb,"y\n');
    expect(found.at(-1)).toEqual({ line: expect.any(Number), fault: expect.stringMatching(/^is no CSV: /) });
  });

  test('a column called __proto__ is a field that does not exist', async () => {
    const text = 'id,language,code,__proto__.x\na,python,print(1),1\n';
    const written = writeItems(rowsOfCsv(chunksOf(text)), openStore('memory:'), {
      ...{ batchId: 'batch-b', defaults: {}, skipBad: false },
    });
    await expect(written).rejects.toThrow(/line 2: __proto__: there is no such field/);
    expect({}).not.toHaveProperty('x');
  });
});
