/** A line of a notebook that runs a shell command. */
export interface ShellLine {
  readonly command: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Python as notebooks know it, turned into plain Python of the same length: lines that start with `%` or `!`, and those that end
 * in `?`, become comments. Only asked for where the text is no Python as it stands.
 */
export function mendNotebook(text: string): string {
  if (!/^[ \t]*[%!]|\?[ \t]*$/m.test(text)) return text;
  return text
    .replace(/^([ \t]*)[%!]/gm, (_, space: string) => `${space}#`)
    .replace(/^([ \t]*)[\w.]([\w.]*\?{1,2})[ \t]*$/gm, '$1#$2');
}

/** The shell commands in the lines that `mendNotebook` takes out. */
export function findShellLines(text: string): ShellLine[] {
  const lines = [...text.matchAll(/^[ \t]*(?:!+|%(?:system|sx|sc)[ \t]+)(.*)$/gm)].slice(0, 200);
  return lines.map((match) => ({
    command: match[1]!,
    start: match.index,
    end: match.index + match[0].length,
  }));
}
