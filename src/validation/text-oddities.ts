import type { Language } from '../domain/language.ts';

/** Something about the text itself, before any grammar. */
export interface OddText {
  readonly rule: string;
  readonly subject: string;
  readonly start: number;
  readonly end: number;
}

// oxlint-disable-next-line no-misleading-character-class
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;
const CODING = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;
const PLAIN_CODINGS =
  /^(?:utf-?8(?:-sig)?|(?:us-?)?ascii|latin-?1|iso-?8859-?1|iso-latin-1|cp1252|windows-1252|utf8mb4)$/i;

/** Finds text that shows something else than it runs: turned directions, and a Python file in a codec that decodes to other code. */
export function findOddText(text: string, language: Language): OddText[] {
  const found: OddText[] = [];
  for (const match of text.matchAll(DIRECTION)) {
    found.push({
      rule: 'no-bidirectional-text',
      subject: `U+${match[0].codePointAt(0)!.toString(16).toUpperCase()}`,
      start: match.index,
      end: match.index + 1,
    });
    if (found.length >= 20) break;
  }
  if (language === 'python') {
    const lines = text.slice(0, 2_000).split('\n').slice(0, 2);
    let start = 0;
    for (const line of lines) {
      const codec = CODING.exec(line)?.[1];
      if (codec && !PLAIN_CODINGS.test(codec.replaceAll('_', '-'))) {
        found.push({
          rule: 'no-hidden-code',
          subject: `The source encoding \`${codec}\``,
          start,
          end: start + line.length,
        });
      }
      start += line.length + 1;
    }
  }
  return found;
}
