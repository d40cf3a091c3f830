import { UsageError } from './cli-error.ts';

/** Parses JSON; an error names the file, the line and the column. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { offset, reason } = faultOf(text, error as SyntaxError);
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    throw new UsageError(`${name}:${line}:${column}: not valid JSON: ${reason}`, { cause: error });
  }
}

function faultOf(text: string, error: SyntaxError): { offset: number; reason: string } {
  const offset = positionIn(error.message, text);
  if (offset !== undefined) return { offset, reason: reasonOf(error.message) };
  // V8 does not say where an unexpected token is: the fault lies at the end of the longest prefix that is fine so far.
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isPrefix(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return { offset: good, reason: reasonOf(error.message) };
}

function isPrefix(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    return (positionIn((error as Error).message, text) ?? -1) >= text.length;
  }
}

function positionIn(message: string, text: string): number | undefined {
  if (message.startsWith('Unexpected end')) return text.length;
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? undefined : Number(position);
}

function reasonOf(message: string): string {
  return message
    .replace(/( in JSON)? at position.*$/s, '')
    .replace(/,[^,]* is not valid JSON$/s, '')
    .replace(/^(Unexpected token .*?), .*$/s, '$1')
    .replace(/^Unexpected end of JSON input$/, 'the text ends too early')
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase());
}
