import { ConnectFault } from './connect-fault.ts';

/**
 * Reads `Connect-Timeout-Ms`: up to ten digits, in milliseconds. Absent or 0 means no limit, as E2B's SDK means it.
 * @throws ConnectFault `invalid_argument`
 */
export function parseTimeoutMs(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (!/^\d{1,10}$/.test(header)) {
    throw new ConnectFault(
      'invalid_argument',
      `Connect-Timeout-Ms must be up to ten digits, not '${header}'`,
    );
  }
  return Number(header) || undefined;
}

/** Reads `Keepalive-Ping-Interval` in seconds; milliseconds, or undefined if none is asked for. */
export function parseKeepaliveMs(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,5}$/.test(header)) return undefined;
  return Number(header) * 1000 || undefined;
}
