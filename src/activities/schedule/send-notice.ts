import { ApplicationFailure } from '@temporalio/common';
import type { Notice } from '../../domain/schedule.ts';
import { slackMessage } from './slack-message.ts';
import { signedRequest } from './webhook.ts';
import type { WebhookRequest } from './webhook.ts';

const TIMEOUT_MS = 20_000;
/** Answers of 400 and above after which another try may do. */
const PASSING = new Set([408, 425, 429]);

/** Posts a notice once. What may pass is thrown as retryable; `id` stays the same over all tries. */
export async function sendNotice(
  notice: Notice,
  { id, secret, signal }: { id: string; secret: string | undefined; signal: AbortSignal },
): Promise<void> {
  const { url, request } = requestOf(notice, id, secret);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...request,
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw ApplicationFailure.retryable(`The receiver did not answer: ${String(cause)}`, 'notify-failed');
  }
  await response.body?.cancel();
  if (response.ok) return;
  const message = `The receiver answered ${response.status}`;
  if (response.status >= 500 || PASSING.has(response.status))
    throw ApplicationFailure.retryable(message, 'notify-failed');
  throw ApplicationFailure.nonRetryable(message, 'notify-refused');
}

function requestOf(
  notice: Notice,
  id: string,
  secret: string | undefined,
): { url: string; request: WebhookRequest } {
  const { target } = notice;
  if (target.startsWith('slack:')) {
    const request = {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(slackMessage(notice)),
    };
    return { url: slackUrl(target.slice('slack:'.length)), request };
  }
  if (secret === undefined)
    throw ApplicationFailure.retryable(
      'Webhooks are signed: set ASSAY_WEBHOOK_SECRET for the worker and start it again',
      'notify-failed',
    );
  return { url: target, request: signedRequest(id, notice, secret, Date.now()) };
}

/** Slack's URLs are secrets, which a variable of the worker may hold. */
function slackUrl(target: string): string {
  if (!target.startsWith('env:')) return target;
  const name = target.slice('env:'.length);
  const url = process.env[name];
  if (url !== undefined && /^https?:\/\//.test(url)) return url;
  throw ApplicationFailure.retryable(
    `The worker has no URL in ${name}: set it and start the worker again`,
    'notify-failed',
  );
}
