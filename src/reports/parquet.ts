import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { BasicType, ColumnSource } from 'hyparquet-writer';
import type { ItemResult } from '../domain/batch.ts';
import { sentenceOf } from './outcome-of-item.ts';

/** Rows that are held in memory and written together. */
const ROWS_OF_GROUP = 2_000;

const COLUMNS: [name: string, type: BasicType, of: (result: ItemResult) => unknown][] = [
  ['id', 'STRING', ({ id }) => id],
  ['index', 'INT32', ({ index }) => index],
  ['group', 'STRING', ({ group }) => group],
  ['verdict', 'STRING', ({ verdict }) => verdict],
  ['language', 'STRING', ({ language }) => language],
  ['durationMs', 'DOUBLE', ({ durationMs }) => durationMs],
  ['startedAt', 'STRING', ({ startedAt }) => startedAt],
  ['cached', 'BOOLEAN', ({ cached }) => cached ?? false],
  ['flaky', 'BOOLEAN', ({ flaky }) => flaky !== undefined],
  ['category', 'STRING', ({ diagnosis }) => diagnosis?.category],
  ['evidence', 'STRING', ({ diagnosis }) => diagnosis?.evidence],
  ['sentence', 'STRING', sentenceOf],
  ['testsPassed', 'INT32', ({ tests }) => tests?.passed],
  ['testsFailed', 'INT32', ({ tests }) => tests?.failed],
  ['result', 'STRING', (result) => JSON.stringify(result)],
];

/** Results as Apache Parquet, a row an item: what is asked for most, and all of it as JSON in `result`. */
export async function* toParquet(
  results: AsyncIterable<ItemResult>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = [];
  const writer = new ByteWriter();
  // Its place in the file goes on while its buffer begins anew.
  const take = (): void => {
    chunks.push(new Uint8Array(writer.buffer.slice(0, writer.index)));
    writer.index = 0;
  };
  writer.finish = take;
  const parquet = new ParquetWriter({ writer, schema: schemaFromColumnData({ columnData: columnsOf([]) }) });
  let rows: ItemResult[] = [];
  const write = async (): Promise<void> => {
    await parquet.write({ columnData: columnsOf(rows), rowGroupSize: ROWS_OF_GROUP });
    rows = [];
    take();
  };
  for await (const result of results) {
    rows.push(result);
    if (rows.length < ROWS_OF_GROUP) continue;
    await write();
    yield* chunks.splice(0);
  }
  if (rows.length > 0) await write();
  await parquet.finish();
  yield* chunks.splice(0);
}

function columnsOf(rows: readonly ItemResult[]): ColumnSource[] {
  return COLUMNS.map(([name, type, of]) => ({ name, type, nullable: true, data: rows.map(of) }));
}
