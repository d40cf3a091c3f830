import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

interface Event {
  type: string;
  eventData: object;
  sandboxId: string;
  sandboxExecutionId: string;
}

let server: TestSandboxServer;
let connection: TestSandboxServer['connection'];
let receiver: Server;
let address: string;
const received: { headers: IncomingHttpHeaders; body: string; event: Event }[] = [];
let refuse = 0;

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  connection = server.connection;
  receiver = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      received.push({ headers: incoming.headers, body, event: JSON.parse(body) as Event });
      outgoing.writeHead(refuse-- > 0 ? 503 : 200).end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => receiver.once('listening', resolve));
  address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterAll(async () => {
  await server.stop();
  receiver.close();
});

async function api(path: string, method = 'GET', body?: object): Promise<{ status: number; json: unknown }> {
  const answer = await fetch(`${server.url}/events/${path}`, {
    method,
    headers: { 'x-api-key': server.apiKey, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: await answer.json() };
}

const kinds = (events: unknown): string[] =>
  (events as Event[]).map(({ type }) => type.replace('sandbox.lifecycle.', ''));

test('what happened to a sandbox is told, also when it is gone, by pages and kinds', async () => {
  const sandbox = await Sandbox.create({ ...connection, metadata: { owner: 'me' } });
  await sandbox.setTimeout(100_000);
  await sandbox.pause();
  await sandbox.connect();
  await sandbox.createSnapshot();
  await sandbox.kill();
  const { json } = await api(`sandboxes/${sandbox.sandboxId}`);
  expect(kinds(json)).toEqual(['killed', 'snapshotted', 'resumed', 'paused', 'updated', 'created']);
  const events = json as Event[];
  expect(events[0]).toMatchObject({ version: 'v1', sandboxTeamId: 'local', sandboxTemplateId: 'default' });
  expect(events.at(-1)?.eventData).toEqual({ sandbox_metadata: { owner: 'me' } });
  expect(events[4]?.eventData).toMatchObject({ set_timeout: expect.stringMatching(/Z$/) });
  // A resumed sandbox is another run of the same one.
  expect(new Set(events.map(({ sandboxExecutionId }) => sandboxExecutionId)).size).toBe(2);

  const metadata = { much: 'x'.repeat(5_000) };
  const other = await Sandbox.create({ ...connection, metadata });
  const one = await api(`sandboxes?limit=2&offset=1&orderAsc=true&types=sandbox.lifecycle.created`);
  expect(one.json).toMatchObject([{ sandboxId: other.sandboxId, eventData: { sandbox_metadata: {} } }]);
  expect(JSON.stringify(one.json)).not.toContain('xxx');
  expect((await api(`sandboxes?limit=101`)).status).toBe(400);
  expect((await api(`sandboxes?types=sandbox.lifecycle.born`)).status).toBe(400);
  await other.kill();
});

test('a webhook is told the events that it asked for, signed, and again where it did not take them', async () => {
  const wanted = ['sandbox.lifecycle.created', 'sandbox.lifecycle.killed'];
  const asked = { name: 'mine', url: address, events: wanted, signatureSecret: 'between us' };
  const made = await api('webhooks', 'POST', asked);
  expect(made.status).toBe(201);
  const { id } = made.json as { id: string };
  expect(JSON.stringify((await api('webhooks')).json)).not.toContain('between us');
  expect((await api('webhooks')).json).toMatchObject([{ id, name: 'mine', url: address, enabled: true }]);

  refuse = 1;
  const sandbox = await Sandbox.create(connection);
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(2);
  const [first, second] = received as [(typeof received)[0], (typeof received)[0]];
  expect(second.body).toBe(first.body);
  expect(second.headers['e2b-delivery-id']).not.toBe(first.headers['e2b-delivery-id']);
  expect(second.event).toMatchObject({ type: wanted[0], sandboxId: sandbox.sandboxId });
  const digest = createHash('sha256').update(`between us${second.body}`).digest('base64');
  expect(second.headers).toMatchObject({
    'e2b-webhook-id': id,
    'e2b-signature-version': 'v1',
    'e2b-signature': digest.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
  });

  await sandbox.setTimeout(60_000);
  await sandbox.kill();
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(3);
  expect(received[2]?.event.type).toBe(wanted[1]);

  expect((await api(`webhooks/${id}`, 'PATCH', { enabled: false })).json).toMatchObject({
    enabled: false,
    events: wanted,
  });
  const silent = await Sandbox.create(connection);
  await silent.kill();
  expect((await api(`webhooks/${id}`, 'DELETE')).status).toBe(200);
  expect((await api(`webhooks/${id}`)).status).toBe(404);
  expect((await api('webhooks', 'POST', { ...asked, url: 'file:///etc/passwd' })).status).toBe(400);
  expect((await api('webhooks', 'POST', { ...asked, events: ['all'] })).status).toBe(400);
  expect(received.length).toBe(3);
});
