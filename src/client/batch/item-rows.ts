import { StringDecoder } from 'node:string_decoder';

/** Longest line, in characters: one item with files of its own. */
const MOST_CHARS = 256 * 1024 * 1024;

/** One item as a user wrote it. */
export interface ItemRow {
  /** Counted from 1. */
  line: number;
  /** The parsed row, or why it cannot be parsed. */
  value?: unknown;
  fault?: string;
}

/** Rows that a program has at hand. */
export async function* rowsOfValues(
  values: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<ItemRow> {
  let line = 0;
  for await (const value of values) yield { line: ++line, value };
}

/** Rows of JSON lines (UTF-8, a byte order mark and empty lines are skipped), with as much memory as the longest line takes. */
export async function* rowsOfJsonLines(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<ItemRow> {
  let line = 0;
  for await (const text of linesOf(stream)) {
    line += 1;
    const trimmed = (line === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
    if (trimmed === '') continue;
    try {
      yield { line, value: JSON.parse(trimmed) };
    } catch (error) {
      yield { line, fault: `is no JSON: ${(error as Error).message}` };
    }
  }
}

async function* linesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let chars = 0;
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      pieces.push(text.slice(from, end));
      yield pieces.join('');
      pieces = [];
      chars = 0;
      from = end + 1;
    }
    pieces.push(text.slice(from));
    chars += text.length - from;
    if (chars > MOST_CHARS) throw new RangeError(`a line is longer than ${MOST_CHARS} characters`);
  }
  pieces.push(decoder.end());
  const last = pieces.join('');
  if (last !== '') yield last;
}
