import { printableLine } from './printable.ts';
import { style } from './style.ts';

const WIDTH = 110;

/** A stretch of code. Lines and columns count from 1; the end is exclusive. */
export interface Stretch {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** The line of code where a stretch begins, with marks under the stretch. */
export function codeFrame(code: string, at: Stretch): string {
  const line = lineOf(code, at.line);
  const start = at.column - 1;
  // A long line is shown from a little before the stretch on.
  const from = start > WIDTH - 20 ? start - 20 : 0;
  const shown = line.slice(from, from + WIDTH);
  const before = printableLine(shown.slice(0, start - from));
  const end = at.endLine === at.line ? at.endColumn - 1 : line.length;
  const marked = printableLine(shown.slice(start - from, Math.max(end - from, start - from + 1)));
  const gutter = `${at.line} | `;
  const marks =
    ' '.repeat(gutter.length + before.length) + style('red', '^'.repeat(Math.max(1, marked.length)));
  return `${style('dim', gutter)}${printableLine(shown)}\n${marks}`;
}

function lineOf(code: string, number: number): string {
  let from = 0;
  for (let line = 1; line < number; line += 1) {
    const feed = code.indexOf('\n', from);
    if (feed === -1) return '';
    from = feed + 1;
  }
  const end = code.indexOf('\n', from);
  return code.slice(from, end === -1 ? undefined : end).replace(/\r$/, '');
}
