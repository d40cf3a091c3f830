import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { rowsOfParquet } from '../../src/client/batch/parquet-rows.ts';
import { toParquet } from '../../src/reports/parquet.ts';
import { tempFolder } from '../support/assay.ts';
import { hostileItemResult, itemResultOf } from '../support/item-results.ts';

async function written(results: ReturnType<typeof itemResultOf>[]): Promise<string> {
  const path = join(tempFolder(), 'results.parquet');
  const stream = async function* () {
    yield* results;
  };
  writeFileSync(path, Buffer.concat(await Array.fromAsync(toParquet(stream()))));
  return path;
}

test('results come back from Parquet as they were, in groups', async () => {
  const many = Array.from({ length: 4_500 }, (_, index) => itemResultOf({ id: `i${index}`, index }));
  const results = [...many, hostileItemResult(), itemResultOf({ id: 'f', group: 'g', verdict: 'failed' })];
  const file = await asyncBufferFromFile(await written(results));
  const metadata = await parquetMetadataAsync(file);
  expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([2_000, 2_000, 502]);
  const rows = await parquetReadObjects({ file });
  expect(rows.map(({ result }) => JSON.parse(result as string))).toEqual(JSON.parse(JSON.stringify(results)));
  expect(rows.at(-1)).toMatchObject({ id: 'f', group: 'g', verdict: 'failed', cached: false });
  expect(rows[0]).toMatchObject({ id: 'i0', index: 0 });
});

test('no results are a Parquet file too', async () => {
  expect(await parquetReadObjects({ file: await asyncBufferFromFile(await written([])) })).toEqual([]);
});

test('items are read from Parquet by a map of columns, types as they are', async () => {
  const filename = join(tempFolder(), 'tasks.parquet');
  parquetWriteFile({
    filename,
    columnData: [
      { name: 'task', data: ['a', 'b'], type: 'STRING' },
      { name: 'solution', data: ['print(1)', 'print(2)'], type: 'STRING' },
      { name: 'ms', data: [5_000n, 6_000n], type: 'INT64' },
      { name: 'marks', data: ['{"team":"x"}', '{}'], type: 'STRING' },
      { name: 'other', data: [1, 2], type: 'INT32' },
    ],
    rowGroupSize: 1,
  });
  const map = { id: 'task', code: 'solution', 'limits.timeoutMs': 'ms', labels: 'marks' };
  expect(await Array.fromAsync(rowsOfParquet(filename, map))).toEqual([
    { line: 1, value: { id: 'a', code: 'print(1)', limits: { timeoutMs: 5_000 }, labels: { team: 'x' } } },
    { line: 2, value: { id: 'b', code: 'print(2)', limits: { timeoutMs: 6_000 }, labels: {} } },
  ]);
  const [fault] = await Array.fromAsync(rowsOfParquet(filename, { id: 'nothing' }));
  expect(fault).toEqual({ line: 1, fault: 'has no column nothing; it has task, solution, ms, marks, other' });
});

test('what is no Parquet is a fault of its first row', async () => {
  const path = join(tempFolder(), 'no.parquet');
  for (const text of ['', 'PAR1', 'x'.repeat(1_000)]) {
    writeFileSync(path, text);
    const [row] = await Array.fromAsync(rowsOfParquet(path));
    expect(row?.fault, text.slice(0, 9)).toMatch(/^cannot be read as Parquet: /);
  }
});
