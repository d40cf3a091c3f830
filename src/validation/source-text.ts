/** The text as the grammar should see it, and how to find a line in it. Offsets are UTF-16 units, as in JavaScript strings. */
export interface SourceText {
  readonly text: string;
  readonly lineStarts: readonly number[];
}

/** A place in the text: both count from 1; columns are UTF-16 units and leave a byte order mark out. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Prepares a text for its grammar: a byte order mark goes, and a lone carriage return, at which Python and JavaScript end a
 * line and tree-sitter does not, becomes a line feed, so that no comment hides code.
 */
export function readSource(code: string): SourceText {
  const withoutMark = code.charCodeAt(0) === 0xfeff ? code.slice(1) : code;
  const text = withoutMark.includes('\r') ? withoutMark.replace(/\r(?!\n)/g, '\n') : withoutMark;
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { text, lineStarts };
}

/** The line and column of an offset. */
export function positionAt(source: SourceText, offset: number): Position {
  const inside = Math.max(0, Math.min(offset, source.text.length));
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (source.lineStarts[middle]! <= inside) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: inside - source.lineStarts[low]! + 1 };
}
