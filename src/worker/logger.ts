import type { Logger, LogLevel, LogMetadata } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger as Pino } from 'pino';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Structured logs on stderr, one JSON document a line. Level: ASSAY_LOG_LEVEL, default `info`. */
export function createLogger(level = process.env['ASSAY_LOG_LEVEL'] || 'info'): Pino {
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Pino as Temporal's logger. What Temporal says of its own doings is worth one level less than what Assay says. */
export function temporalLogger(logger: Pino): Logger {
  const write = (level: LogLevel, message: string, meta: LogMetadata = {}) => {
    const own = meta['sdkComponent'] === 'worker' || meta['sdkComponent'] === 'core';
    // The worker of shards has activities only, and means it.
    const expected = message.startsWith('No workflows registered');
    const name = own && (level === 'INFO' || expected) ? 'debug' : LEVELS[level];
    if (logger.isLevelEnabled(name)) logger[name](plain(meta), message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

function plain(meta: LogMetadata): Record<string, unknown> {
  const { error, ...rest } = meta;
  const entries = Object.entries(rest).filter(([key]) => key !== 'taskToken');
  return { ...Object.fromEntries(entries), ...(error !== undefined && { err: error as unknown }) };
}
