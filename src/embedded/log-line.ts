import type { StackEvent } from './stack-event.ts';

const WARN = 40;
const ERROR = 50;
/** What says nothing to a reader, or is said elsewhere in the line. */
const PLUMBING = new Set([
  'level',
  'time',
  'pid',
  'hostname',
  'name',
  'msg',
  'event',
  'err',
  'error',
  'v',
  'sdkComponent',
]);

/** A pino line as an event: those with an `event` field, and all from `warn` upwards. Other lines are for the log file. */
export function eventOfLogLine(line: string): Omit<StackEvent, 'source'> | undefined {
  if (!line.startsWith('{')) return undefined;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const severity = typeof fields['level'] === 'number' ? fields['level'] : 30;
  if (fields['event'] === undefined && severity < WARN) return undefined;
  const level = severity >= ERROR ? 'error' : severity >= WARN ? 'warn' : 'info';
  return { level, text: textOf(fields) };
}

function textOf(fields: Record<string, unknown>): string {
  const what = fields['msg'] ?? fields['event'] ?? 'trouble';
  const details = Object.entries(fields)
    .filter(
      ([name, value]) => !PLUMBING.has(name) && (typeof value === 'string' || typeof value === 'number'),
    )
    .map(([name, value]) => `${name}=${String(value)}`);
  return [String(what), ...details, ...messageOf(fields['err'] ?? fields['error'])].join('  ');
}

function messageOf(error: unknown): string[] {
  if (typeof error === 'string') return [error];
  if (typeof error !== 'object' || error === null || !('message' in error)) return [];
  return [String(error.message)];
}
