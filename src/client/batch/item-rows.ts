import type { ItemRow } from '../../domain/item-row.ts';

/** Rows that a program has at hand. */
export async function* rowsOfValues(
  values: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<ItemRow> {
  let line = 0;
  for await (const value of values) yield { line: ++line, value };
}
