import { isUtf8 } from 'node:buffer';
import type { ItemRow } from '../domain/item-row.ts';
import { bytesOf } from './bytes-of.ts';

/** Longest line, in bytes: one item with files of its own. */
const MOST_BYTES = 256 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Rows of JSON lines (UTF-8, a byte order mark and empty lines are skipped), with as much memory as the longest line takes. A line of more than
 * `mostBytes` (default: 256 Mi), or of bytes that are no UTF-8, is a row with a fault.
 */
export async function* rowsOfJsonLines(
  stream: AsyncIterable<Uint8Array | string>,
  { mostBytes = MOST_BYTES } = {},
): AsyncGenerator<ItemRow> {
  let line = 0;
  for await (const bytes of linesOf(stream, mostBytes)) {
    line += 1;
    if (bytes === undefined) {
      yield { line, fault: `is longer than ${mostBytes} bytes` };
      continue;
    }
    // Read as something near it, code would be judged that nobody wrote.
    if (!isUtf8(bytes)) {
      yield { line, fault: 'is not UTF-8' };
      continue;
    }
    const text = bytes.toString('utf8');
    const trimmed = (line === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
    if (trimmed === '') continue;
    try {
      yield { line, value: JSON.parse(trimmed) };
    } catch (error) {
      // A JSON file that was made to be read.
      const why = /^[[{]$/.test(trimmed) ? 'each line must hold a whole item' : (error as Error).message;
      yield { line, fault: `is no JSON: ${why}` };
    }
  }
}

/** Undefined for a line that is too long. */
async function* linesOf(
  stream: AsyncIterable<Uint8Array | string>,
  mostBytes: number,
): AsyncGenerator<Buffer | undefined> {
  let pieces: Buffer[] = [];
  let length = 0;
  const add = (piece: Buffer) => {
    length += piece.length;
    if (length > mostBytes) pieces = [];
    else pieces.push(piece);
  };
  const taken = () => {
    const bytes = length > mostBytes ? undefined : Buffer.concat(pieces);
    pieces = [];
    length = 0;
    return bytes;
  };
  for await (const chunk of bytesOf(stream)) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      yield taken();
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield taken();
}
