const SHOWN_CHARS = 200;

/** Compares up to white space at the ends of lines and of the text. Tells the first difference, or nothing where there is none. */
export function compareOutput(expected: string, actual: string): string | undefined {
  const wanted = linesOf(expected);
  const got = linesOf(actual);
  for (let at = 0; at < Math.max(wanted.length, got.length); at++)
    if (wanted[at] !== got[at]) return `line ${at + 1}: expected ${shown(wanted[at])}, got ${shown(got[at])}`;
  return undefined;
}

function linesOf(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

function shown(line: string | undefined): string {
  if (line === undefined) return 'the end of the output';
  return JSON.stringify(line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}…` : line);
}
