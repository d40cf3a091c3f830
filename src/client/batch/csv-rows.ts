import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { ItemRow } from '../../domain/item-row.ts';
import { bytesOf } from '../../store/bytes-of.ts';

/** Fields of a JobSpec that are text as they stand; a cell of any other holds JSON, such as a number or a list. */
const TEXT = /^(id|group|key|language|code|template|tests\.(kind|code)|validate\.policy|labels\..+)$/;

const MARK = Buffer.from('\uFEFF');

/** Which column holds a field: `{ id: 'task_id', 'tests.code': 'test' }`. */
export type ColumnMap = Record<string, string>;

interface CsvRecord {
  record: Record<string, string>;
  info: { lines: number; invalid_field_length: number };
}

/**
 * Rows of CSV with a header (RFC 4180, UTF-8). Without a map each column is the field of its name, such as `limits.timeoutMs`; with one,
 * other columns are left out. Empty cells say nothing. A row's line is the one in which it ends.
 */
export async function* rowsOfCsv(
  stream: AsyncIterable<Uint8Array | string>,
  map?: ColumnMap,
): AsyncGenerator<ItemRow> {
  let wrong: string | undefined;
  const columns = (cells: string[]) => {
    const header = cells.map((cell) => utf8Of(cell) ?? cell);
    const twice = header.find((column, at) => column !== '' && header.indexOf(column) < at);
    wrong =
      faultOfColumns(header, map) ?? (twice === undefined ? undefined : `has the column ${twice} twice`);
    return header;
  };
  const parser = parse({
    ...{ columns, info: true, skip_empty_lines: true },
    // A character for each byte, so that it shows below which are no UTF-8.
    encoding: 'latin1',
    // Told row by row below; an error would end the reading.
    relax_column_count: true,
  });
  let uneven = 0;
  // What goes wrong is thrown where the parser is read.
  pipeline(Readable.from(withoutMark(bytesOf(stream))), parser, () => undefined);
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      if (wrong !== undefined) return yield { line: 1, fault: wrong };
      if (info.invalid_field_length > uneven) {
        uneven = info.invalid_field_length;
        yield { line: info.lines, fault: 'has more or fewer cells than the header' };
        continue;
      }
      const fields = map ?? Object.fromEntries(Object.keys(record).map((column) => [column, column]));
      const cells = Object.values(fields).map((column) => [column, utf8Of(record[column] ?? '')] as const);
      if (cells.some(([, cell]) => cell === undefined)) yield { line: info.lines, fault: 'is not UTF-8' };
      else yield { line: info.lines, value: valueOf(Object.fromEntries(cells), fields) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    yield { line: lines ?? 1, fault: `is no CSV: ${error.message}` };
  }
}

/** Told once, and not of each row. */
export function faultOfColumns(columns: string[], map: ColumnMap | undefined): string | undefined {
  const missing = Object.values(map ?? { id: 'id' }).filter((column) => !columns.includes(column));
  if (missing.length === 0) return undefined;
  const hint = map ? '' : '; a map says which of them is which (--map id=…,code=…)';
  return `has no column ${missing.join(', ')}; it has ${columns.join(', ')}${hint}`;
}

/** A text that was read with a character for each byte. Undefined where it is no UTF-8. */
function utf8Of(cell: string): string | undefined {
  if (!/[\u0080-\u00ff]/.test(cell)) return cell;
  const bytes = Buffer.from(cell, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Without a byte order mark. */
async function* withoutMark(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (!start) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < MARK.length) continue;
    yield start.subarray(0, MARK.length).equals(MARK) ? start.subarray(MARK.length) : start;
    start = undefined;
  }
  if (start) yield start;
}

/** An item of the cells of a row. */
export function valueOf(record: Record<string, unknown>, fields: ColumnMap): Record<string, unknown> {
  const outer = new Map<string, unknown>();
  const inner = new Map<string, Map<string, unknown>>();
  for (const [field, column] of Object.entries(fields)) {
    const cell = record[column];
    if (cell === undefined || cell === null || cell === '') continue;
    const value = typeof cell === 'string' && !TEXT.test(field) ? jsonOrText(cell) : plain(cell);
    const at = field.indexOf('.');
    if (at < 0) {
      outer.set(field, value);
      continue;
    }
    const name = field.slice(0, at);
    inner.set(name, (inner.get(name) ?? new Map<string, unknown>()).set(field.slice(at + 1), value));
  }
  for (const [name, values] of inner) outer.set(name, Object.fromEntries(values));
  return Object.fromEntries(outer);
}

/** Large whole numbers as those of JSON. */
function plain(cell: unknown): unknown {
  if (typeof cell === 'bigint') return Number(cell);
  return Array.isArray(cell) ? cell.map(plain) : cell;
}

/** What is no JSON stays text: the schema says what the field must be. */
function jsonOrText(cell: string): unknown {
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
