import {
  AuthenticationError,
  NotEnoughSpaceError,
  NotFoundError,
  InvalidArgumentError,
  FileNotFoundError,
  RateLimitError,
  SandboxError,
  SandboxNotFoundError,
  ServiceBusyError,
  TemplateError,
  TimeoutError,
} from 'e2b';
import { TroubleError } from '../domain/trouble-error.ts';
import type { Trouble, TroubleType } from '../domain/trouble.ts';

/** Which row of the table an error of the E2B SDK, or of the network under it, belongs to. */
export function classifyTrouble(error: unknown): Trouble {
  if (error instanceof TroubleError) return error.trouble;
  return { type: typeOf(error), message: messageOf(error) };
}

function typeOf(error: unknown): TroubleType {
  const message = messageOf(error);
  if (error instanceof RateLimitError)
    return /concurrent|maximum number of|too many sandboxes/i.test(message)
      ? 'quota-exceeded'
      : 'rate-limited';
  if (error instanceof ServiceBusyError) return 'service-busy';
  if (error instanceof AuthenticationError) return 'bad-key';
  if (error instanceof NotEnoughSpaceError) return 'host-disk-full';
  if (/template '[^']*' cannot be loaded/.test(message)) return 'broken-template';
  if (/template cannot run \w+ cells/.test(message)) return 'unfit-template';
  if (/started without internet access/.test(message)) return 'no-internet';
  if (error instanceof TemplateError) return 'unknown-template';
  if (error instanceof SandboxNotFoundError) return 'sandbox-lost';
  if (error instanceof FileNotFoundError) return 'unknown';
  if (error instanceof NotFoundError) return 'sandbox-lost';
  if (error instanceof InvalidArgumentError) return 'bad-request';
  if (error instanceof TimeoutError) return sandboxIsGone(message) ? 'sandbox-lost' : 'transport-timeout';
  const network = networkTrouble(error);
  if (network) return network;
  if (error instanceof SandboxError) return byStatus(error.statusCode ?? statusIn(message), message);
  return 'unknown';
}

/** The SDK's TimeoutError stands for a dead sandbox as well as for a slow answer; only its message tells them apart. */
function sandboxIsGone(message: string): boolean {
  if (/requestTimeoutMs|request timed out|deadline_exceeded|execution timed out/i.test(message)) return false;
  return /sandbox was not found|sandbox timeout|end of life|not running|\b502\b|unavailable/i.test(message);
}

function statusIn(message: string): number | undefined {
  const status = /^(\d{3})\b/.exec(message)?.[1];
  return status === undefined ? undefined : Number(status);
}

function byStatus(status: number | undefined, message: string): TroubleType {
  if (status === undefined) return 'unknown';
  if ((status === 404 || status === 400) && /template/i.test(message)) return 'unknown-template';
  if (status === 404 || status === 410 || status === 502) return 'sandbox-lost';
  if (status === 401 || status === 403) return 'bad-key';
  if (status === 408 || status === 504) return 'transport-timeout';
  if (status === 429) return 'rate-limited';
  if (status === 503) return 'service-busy';
  if (status === 507) return 'host-disk-full';
  return status >= 500 ? 'service-failed' : 'bad-request';
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'];
const SLOW = [
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ABORT_ERR',
];
const BROKEN = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ERR_HTTP2_STREAM_ERROR'];

/** Looks through an error and its causes; some layers keep only the text of what lies under them. */
function networkTrouble(error: unknown): TroubleType | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    const code = String((at as { code?: unknown }).code ?? '');
    const mentions = (codes: string[]) =>
      codes.includes(code) || codes.some((known) => at.message.includes(known));
    if (code === 'ENOSPC' || at.message.includes('ENOSPC')) return 'host-disk-full';
    if (mentions(UNREACHABLE)) return 'service-unreachable';
    if (mentions(SLOW) || at.name === 'TimeoutError' || at.name === 'AbortError') return 'transport-timeout';
    if (mentions(BROKEN) || /terminated|other side closed|socket hang ?up|premature close/i.test(at.message))
      return 'stream-lost';
    for (const inner of at instanceof AggregateError ? at.errors : []) {
      const found = networkTrouble(inner);
      if (found) return found;
    }
    if (at.message === 'fetch failed' && at.cause === undefined) return 'service-unreachable';
  }
  return undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.message === 'fetch failed' && error.cause instanceof Error ? error.cause : undefined;
  if (!cause) return error.message || error.name;
  const code = (cause as { code?: string }).code;
  return `the connection failed: ${cause.message || code || cause.name}`;
}
