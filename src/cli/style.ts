import { styleText } from 'node:util';
import type { Verdict } from '../domain/job-result.ts';

type Format = Exclude<Parameters<typeof styleText>[0], unknown[]>;

/** Colour where the stream is a terminal and neither `NO_COLOR` nor `NODE_DISABLE_COLORS` says otherwise. */
export function style(
  format: Format | Format[],
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(format, text, { stream });
}

const COLOURS: Record<Verdict, Format> = {
  passed: 'green',
  failed: 'red',
  rejected: 'yellow',
  error: 'magenta',
};

/** A verdict in its colour. */
export function styledVerdict(verdict: Verdict, stream: NodeJS.WriteStream = process.stdout): string {
  return style(['bold', COLOURS[verdict]], verdict, stream);
}
