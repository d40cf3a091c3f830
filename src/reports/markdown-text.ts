import { withoutAnsi } from './xml.ts';

// Punctuation that Markdown gives a meaning, and line feeds, controls, and marks that reorder text.
const MEANT =
  // eslint-disable-next-line no-control-regex
  /[&<>"|\\`*_{}[\]#+!~@$^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]/gu;

/** Any text as inline code of one line, which Markdown gives no meaning: no table cell, link, image, tag or mention comes of it. */
export function inlineCode(text: string, mostChars = 200): string {
  const line = withoutAnsi(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
  const characters = [...line.slice(0, mostChars * 2)];
  const cut = characters.length > mostChars || line.length > mostChars * 2;
  const kept = cut ? `${characters.slice(0, mostChars).join('')}…` : line;
  return `<code>${kept.replace(MEANT, escaped)}</code>`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) as number;
  if (character === '\t') return ' ';
  if (code < 0x20 || code > 0x7e) return `&#92;u${code.toString(16).padStart(4, '0')}`;
  return `&#${code};`;
}

/** A table; the cells are Markdown already. */
export function markdownTable(titles: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}
