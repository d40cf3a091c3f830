import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sendNotice } from '../../../src/activities/schedule/send-notice.ts';
import { slackMessage } from '../../../src/activities/schedule/slack-message.ts';
import { signature } from '../../../src/activities/schedule/webhook.ts';
import type { Notice } from '../../../src/domain/schedule.ts';

const SECRET = 'a secret of some length';
let server: Server;
let url: string;
let status: number;
let heard: { headers: IncomingHttpHeaders; body: string }[];

beforeEach(async () => {
  [status, heard] = [204, []];
  server = createServer((request, response) => {
    let body = '';
    request
      .on('data', (data) => (body += data))
      .on('end', () => {
        heard.push({ headers: request.headers, body });
        response.writeHead(status, { location: `${url}/elsewhere` }).end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

const counts = { passed: 1, failed: 1, rejected: 0, error: 0, cached: 0, flaky: 0 };
const noticeTo = (target: string): Notice => ({
  ...{ target, rule: 'always', schedule: 'nightly', batchId: 'batch-nightly-1', state: 'done' },
  run: {
    ...{ schedule: 'nightly', batchId: 'batch-nightly-1', state: 'done', total: 2, done: 2, counts },
    ...{ startedAt: '2026-11-24T00:00:00Z', durationMs: 5, newFailureCount: 1 },
    newFailures: [{ id: 'a', verdict: 'failed', sentence: '<!channel> `x` & more\nlines' }],
  },
});
const send = (target: string, secret: string | undefined = SECRET) =>
  sendNotice(noticeTo(target), { id: 'notify-1', secret, signal: new AbortController().signal });
const failureOf = async (work: Promise<void>): Promise<ApplicationFailure> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
};

test('the signature is that of Standard Webhooks', () => {
  // The example of https://github.com/standard-webhooks/standard-webhooks
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const body = '{"test": 2432232314}';
  expect(signature('msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', body, secret)).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

describe('a webhook', () => {
  test('is signed, and tells the run without the secret or the target', async () => {
    await send(url);
    const [{ headers, body }] = heard as [(typeof heard)[0]];
    const timestamp = String(headers['webhook-timestamp']);
    expect(headers).toMatchObject({ 'webhook-id': 'notify-1', 'idempotency-key': 'notify-1' });
    expect(headers['webhook-signature']).toBe(signature('notify-1', timestamp, body, SECRET));
    expect(JSON.parse(body)).toMatchObject({ type: 'schedule.run', schedule: 'nightly', run: { counts } });
    expect(body).not.toContain(SECRET);
    expect(body).not.toContain(url);
  });

  test.each([500, 502, 503, 408, 425, 429])('is sent again after %i', async (code) => {
    status = code;
    expect((await failureOf(send(url))).nonRetryable).toBe(false);
  });

  test.each([400, 401, 404, 410, 301])('is given up after %i, and follows no redirection', async (code) => {
    status = code;
    expect((await failureOf(send(url))).nonRetryable).toBe(true);
    expect(heard.length).toBe(1);
  });

  test('is sent again where nobody answers', async () => {
    server.close();
    expect((await failureOf(send(url))).nonRetryable).toBe(false);
  });

  test('waits for a worker with a secret', async () => {
    const { signal } = new AbortController();
    const failure = await failureOf(sendNotice(noticeTo(url), { id: 'x', secret: undefined, signal }));
    expect(failure).toMatchObject({
      nonRetryable: false,
      message: expect.stringContaining('set ASSAY_WEBHOOK_SECRET'),
    });
    expect(heard).toEqual([]);
  });
});

describe('a message for Slack', () => {
  test('goes to the URL of a variable of the worker, and waits for one that has it', async () => {
    process.env['ASSAY_SLACK_TEST'] = url;
    await send('slack:env:ASSAY_SLACK_TEST');
    delete process.env['ASSAY_SLACK_TEST'];
    expect(JSON.parse(heard[0]!.body)).toEqual(slackMessage(noticeTo('')));
    expect((await failureOf(send('slack:env:ASSAY_SLACK_TEST'))).nonRetryable).toBe(false);
  });

  test('escapes what code under test has said', () => {
    const text = JSON.stringify(slackMessage(noticeTo('')));
    expect(text).toContain('&lt;!channel&gt; x &amp; more lines');
    expect(text).not.toContain('<!channel>');
  });

  test('says why a batch is broken', () => {
    const notice: Notice = { ...noticeTo(''), state: 'broken', run: undefined, reason: 'the store is gone' };
    expect(JSON.stringify(slackMessage(notice))).toContain('the store is gone');
  });
});
