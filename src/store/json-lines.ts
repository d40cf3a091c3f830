import { StringDecoder } from 'node:string_decoder';
import type { ItemRow } from '../domain/item-row.ts';

/** Longest line, in characters: one item with files of its own. */
const MOST_CHARS = 256 * 1024 * 1024;

/**
 * Rows of JSON lines (UTF-8, a byte order mark and empty lines are skipped), with as much memory as the longest line takes. A line of more than
 * `mostChars` characters (default: 256 Mi) is a row with a fault.
 */
export async function* rowsOfJsonLines(
  stream: AsyncIterable<Uint8Array | string>,
  { mostChars = MOST_CHARS } = {},
): AsyncGenerator<ItemRow> {
  let line = 0;
  for await (const text of linesOf(stream, mostChars)) {
    line += 1;
    if (text === undefined) {
      yield { line, fault: `is longer than ${mostChars} characters` };
      continue;
    }
    const trimmed = (line === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
    if (trimmed === '') continue;
    try {
      yield { line, value: JSON.parse(trimmed) };
    } catch (error) {
      yield { line, fault: `is no JSON: ${(error as Error).message}` };
    }
  }
}

/** Undefined for a line that is too long. */
async function* linesOf(
  stream: AsyncIterable<Uint8Array | string>,
  mostChars: number,
): AsyncGenerator<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let chars = 0;
  const add = (piece: string) => {
    chars += piece.length;
    if (chars > mostChars) pieces = [];
    else pieces.push(piece);
  };
  const taken = () => {
    const text = chars > mostChars ? undefined : pieces.join('');
    pieces = [];
    chars = 0;
    return text;
  };
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      add(text.slice(from, end));
      yield taken();
      from = end + 1;
    }
    add(text.slice(from));
  }
  add(decoder.end());
  if (chars > 0) yield taken();
}
