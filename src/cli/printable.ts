// What a terminal would act on rather than show: control bytes, line separators, and marks that reorder text.
const HOSTILE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * A text of unknown origin made safe for a terminal: escape sequences, control characters and marks that change the
 * direction of text are shown as `\x1b`, `\u202e` and so on. Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(HOSTILE, escaped);
}

/** The same on one line: line feeds are shown as `\n`, tabs as `\t`. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

function escaped(character: string): string {
  if (character === '\r') return '\\r';
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}
