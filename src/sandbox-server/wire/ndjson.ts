/** How long a line of streamed output may be: the SDK's line reader slows down on longer ones. */
export const MAX_LINE_BYTES = 8192;

// Escapes grow a character to at most 2 bytes in plain text and to 6 in any other.
const PLAIN_PIECE = 4000;
const ANY_PIECE = 1300;
const PLAIN = /^[\x20-\x7e\n\r\t]*$/;

/** One event as a line of ASCII, so that no chunk can split a character. */
export function ndjsonLine(event: object): string {
  return asciiLine(JSON.stringify(event));
}

/** A JSON text without line ends as a line of ASCII. */
export function asciiLine(json: string): string {
  return `${json.replace(/[\u007f-\uffff]/g, escapeUnit)}\n`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Text as stdout or stderr events whose lines stay under {@link MAX_LINE_BYTES}. */
export function outputLines(type: 'stdout' | 'stderr', text: string, timestamp: string): string {
  let lines = '';
  for (const piece of splitText(text)) lines += ndjsonLine({ type, text: piece, timestamp });
  return lines;
}

/** Cuts text into pieces that fit a line, never between the halves of a surrogate pair. */
export function* splitText(text: string): Generator<string> {
  const size = PLAIN.test(text) ? PLAIN_PIECE : ANY_PIECE;
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + size, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
