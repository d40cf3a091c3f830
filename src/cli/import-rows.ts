import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ItemRow } from '../domain/item-row.ts';
import { rowsOfJsonLines } from '../store/json-lines.ts';
import { rejoin } from '../store/rejoin.ts';
import { bytesOfFile } from './bytes-of-file.ts';
import { UsageError } from './cli-error.ts';

/** Rows of a data set: of JSON lines, or of one JSON array, which is read into memory and whose elements are counted as lines are. Throws UsageError. */
export async function* rowsOf(file: string): AsyncGenerator<{ line: number; value: unknown }> {
  if (file !== '-') {
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw new UsageError(`${file} ${found ? 'is no file' : 'does not exist'}`);
  }
  for await (const { line, value, fault } of rows(bytesOfFile(file))) {
    if (fault !== undefined) throw new UsageError(`${file} line ${line} ${fault}`);
    yield { line, value };
  }
}

async function* rows(chunks: AsyncGenerator<Buffer>): AsyncGenerator<ItemRow> {
  const first = await chunks.next();
  if (first.done) return;
  const whole = Readable.from(rejoin([first.value], chunks));
  if (!/^\uFEFF?\s*\[/.test(first.value.toString('utf8', 0, 1024))) {
    yield* rowsOfJsonLines(whole);
    return;
  }
  let values: unknown[];
  try {
    values = JSON.parse((await text(whole)).replace(/^\uFEFF/, '')) as unknown[];
  } catch (error) {
    yield { line: 1, fault: `is no JSON: ${(error as Error).message}` };
    return;
  }
  for (const [index, value] of values.entries()) yield { line: index + 1, value };
}
