import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { faultOfColumns, valueOf } from './csv-rows.ts';
import type { ColumnMap } from './csv-rows.ts';
import type { ItemRow } from '../../domain/item-row.ts';

/**
 * Rows of a Parquet file, a row group in memory at a time. Columns are told as those of CSV; a column may also hold numbers, lists and objects as
 * they are. A row's line is its place, counted from 1. A file that is none is a row with a fault; throws what the file system throws.
 */
export async function* rowsOfParquet(path: string, map?: ColumnMap): AsyncGenerator<ItemRow> {
  const file = await asyncBufferFromFile(path);
  let line = 0;
  try {
    const metadata = await parquetMetadataAsync(file);
    const names = parquetSchema(metadata).children.map(({ element }) => element.name);
    const wrong = faultOfColumns(names, map);
    if (wrong !== undefined) return yield { line: 1, fault: wrong };
    const fields = map ?? Object.fromEntries(names.map((column) => [column, column]));
    const columns = [...new Set(Object.values(fields))];
    for (const { num_rows } of metadata.row_groups) {
      const [rowStart, rowEnd] = [line, line + Number(num_rows)];
      for (const row of await parquetReadObjects({ file, metadata, compressors, columns, rowStart, rowEnd }))
        yield { line: ++line, value: valueOf(row, fields) };
    }
  } catch (error) {
    yield {
      line: line + 1,
      fault: `cannot be read as Parquet: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
