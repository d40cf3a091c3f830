import { CommanderError } from 'commander';
import { InvalidItemsError } from '../client/errors.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { ReaderGoneError } from './interrupt.ts';
import { printable } from './printable.ts';

/** Codes of the client's errors that are the user's to mend: they exit with 64, all others with 3. */
const USAGE_CODES = new Set([
  'invalid-spec',
  'invalid-items',
  'job-not-found',
  'batch-not-found',
  'batch-over',
  'schedule-not-found',
  'schedule-exists',
  'invalid-config',
  'usage',
]);

/** Says what went wrong in one sentence on stderr, and returns the exit code. `ASSAY_DEBUG=1` adds the stack trace. */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help'))
    return exitCodeOfError(error);
  if (error instanceof ReaderGoneError) return error.exitCode;
  process.stderr.write(`assay: ${sentence(error)}\n`);
  if (process.env['ASSAY_DEBUG'] === '1') console.error(error);
  return exitCodeOfError(error);
}

export function exitCodeOfError(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  return USAGE_CODES.has(codeOf(error)) ? EXIT.usage : EXIT.error;
}

function sentence(error: unknown): string {
  if (error instanceof CommanderError) return commanderSentence(error);
  if (!(error instanceof Error)) return printable(String(error));
  const text = error instanceof InvalidItemsError ? error.describe() : error.message;
  const message = printable(text.trim()) || error.name;
  // Our own errors have a code such as `bad-key`; the code of others, such as `ECONNRESET`, says that nobody expected them here.
  const known = error instanceof CliError || /^[a-z]/.test(codeOf(error));
  return known ? message : `${message} (ASSAY_DEBUG=1 shows where)`;
}

/** Commander says `error: …\n(Did you mean …?)`; here it becomes one sentence. */
function commanderSentence(error: CommanderError): string {
  const [first = '', hint] = error.message.replace(/^error: /, '').split('\n');
  const what = printable(first.replace(/^command-argument value/, 'value')).replace(/\.$/, '');
  return hint ? `${what} (${printable(hint.replace(/^\(D(.*)\)$/, 'd$1'))})` : `${what}; see --help`;
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
