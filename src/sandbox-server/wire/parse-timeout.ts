import { ConnectFault } from './connect-fault.ts';

/** The longest that a timer of Node waits; it takes a longer time for 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads `Connect-Timeout-Ms`: up to ten digits, in milliseconds. Absent or 0 means no limit, as E2B's SDK means it;
 * more than a timer can wait means 24 days.
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
  return Math.min(Number(header), LONGEST_TIMER_MS) || undefined;
}

/** Reads `Keepalive-Ping-Interval` in seconds; milliseconds, or undefined if none is asked for. */
export function parseKeepaliveMs(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,5}$/.test(header)) return undefined;
  return Number(header) * 1000 || undefined;
}
