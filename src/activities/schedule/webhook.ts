import { createHmac } from 'node:crypto';
import type { Notice } from '../../domain/schedule.ts';

const SECRET_PREFIX = 'whsec_';

export interface WebhookRequest {
  headers: Record<string, string>;
  body: string;
}

/**
 * A signed request as https://www.standardwebhooks.com has it. The id stays the same over all tries, so that a receiver can tell that it has seen it.
 * `secret`: a text, or `whsec_` and Base64.
 */
export function signedRequest(id: string, notice: Notice, secret: string, nowMs: number): WebhookRequest {
  const { target: _, ...told } = notice;
  const body = JSON.stringify({ type: 'schedule.run', id, ...told });
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'assay',
      'idempotency-key': id,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature(id, timestamp, body, secret),
    },
    body,
  };
}

/** `v1,` and the HMAC-SHA256 of id, timestamp and body. */
export function signature(id: string, timestamp: string, body: string, secret: string): string {
  const key = secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
