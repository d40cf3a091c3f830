import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

import { encode } from 'dns-packet';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { AddressRules } from '../../../src/sandbox-server/egress/address-rules.ts';
import { ConnectionBudget } from '../../../src/sandbox-server/egress/connection-budget.ts';
import { Egress } from '../../../src/sandbox-server/egress/egress.ts';
import { NameResolver } from '../../../src/sandbox-server/egress/name-resolver.ts';
import {
  FrameKind,
  FrameReader,
  encodeFrame,
  encodeJsonFrame,
} from '../../../src/sandbox-server/link/guest-frames.ts';
import { GuestLink } from '../../../src/sandbox-server/link/guest-link.ts';

const OUTSIDE = '127.0.0.2';
const QUESTION = encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'localhost' }] });

let servers: Server[] = [];
/** Who has connected, by the address that they connected to. */
let seen: string[] = [];
let held: Socket[] = [];
let guest: Socket;
let link: GuestLink;
let listening: number;
/** What the server has asked the guest to do, in its order. */
let calls: { op: string; id: number; packet?: string }[] = [];

async function listen(address: string): Promise<number> {
  const server = createServer((socket) => {
    seen.push(address);
    held.push(socket.on('error', () => undefined));
  }).listen(0, address);
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Says something as a supervisor that has been taken over would. */
const tell = (event: unknown): void => void guest.write(encodeJsonFrame(listening, FrameKind.event, event));
const of = (op: string): number[] => calls.filter((call) => call.op === op).map(({ id }) => id);

const never = (): never => {
  throw new Error('there are no rules');
};

beforeEach(async () => {
  [servers, seen, held, calls] = [[], [], [], []];
  const door = createServer().listen(0, '127.0.0.1');
  await once(door, 'listening');
  guest = connect((door.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(door, 'connection')) as [Socket];
  door.close();
  link = new GuestLink(socket);
  const reader = new FrameReader();
  const heard = Promise.withResolvers<number>();
  guest
    .on('error', () => undefined)
    .on('data', (chunk: Buffer) => {
      for (const { streamId, kind, body } of reader.push(chunk)) {
        if (kind !== FrameKind.open) continue;
        const call = JSON.parse(body.toString()) as (typeof calls)[0];
        if (call.op === 'egress.listen') heard.resolve(streamId);
        else calls.push(call);
        if (call.op === 'egress.attach')
          guest.write(encodeJsonFrame(streamId, FrameKind.event, { connected: true }));
        else if (call.op !== 'egress.listen') guest.write(encodeJsonFrame(streamId, FrameKind.end, {}));
      }
    });
  const writing = { authority: never, trusted: never, secretOf: never };
  const outside = {
    addresses: new AddressRules([OUTSIDE]),
    names: new NameResolver(),
    budget: new ConnectionBudget(1_000),
    writing,
  };
  void new Egress(outside, {}, pino({ level: 'silent' })).serve(link);
  listening = await heard.promise;
});
afterEach(() => {
  link.destroy();
  guest.destroy();
  for (const socket of held) socket.destroy();
  for (const server of servers) server.close();
});

test('a guest that claims addresses of this machine has each refused', async () => {
  const port = await listen('127.0.0.1');
  const addresses = [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0.0.0.0',
    '::',
    '::1%lo',
    'localhost',
    '127.1',
    '',
  ];
  const odd = [null, 7, {}, ['127.0.0.1'], 'x'.repeat(100_000), '\0'];
  const claims = [...addresses, ...odd].map((address, id) => ({ id, address, port }));
  const ports = [0, -1, 65_536, 1.5, '80', null, {}].map((each, i) => ({
    id: 100 + i,
    address: OUTSIDE,
    port: each,
  }));
  for (const claim of [...claims, ...ports]) tell(claim);
  await expect.poll(() => of('egress.refuse').length, { timeout: 10_000 }).toBe(claims.length + ports.length);
  expect(seen).toEqual([]);
  expect(of('egress.attach')).toEqual([]);
});

test('connections and questions are bounded, whatever a guest claims', async () => {
  const port = await listen(OUTSIDE);
  for (let id = 0; id < 1_000; id++) tell({ id, address: OUTSIDE, port });
  await expect.poll(() => of('egress.refuse').length, { timeout: 10_000 }).toBe(1_000 - 320);
  await expect.poll(() => of('egress.attach').length, { timeout: 10_000 }).toBe(320);
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(320);
  for (const socket of held) socket.destroy();

  for (let question = 0; question < 1_000; question++)
    tell({ question, packet: QUESTION.toString('base64') });
  await expect.poll(() => of('egress.answer').length, { timeout: 10_000 }).toBe(1_000);
  expect(calls.filter(({ packet }) => packet !== undefined).length).toBeLessThan(200);
});

test('nonsense of a guest neither ends nor blocks its way out', async () => {
  const port = await listen(OUTSIDE);
  for (const packet of [null, 7, '', '!!!', 'x'.repeat(200_000), QUESTION.toString('hex')])
    tell({ question: 1, packet });
  for (const event of [
    {},
    { id: 'x' },
    { question: {} },
    { id: null, address: OUTSIDE, port },
    { proxyOnly: 'x'.repeat(9_000) },
  ])
    tell(event);
  tell({ id: 7, address: OUTSIDE, port });
  await expect.poll(() => seen).toEqual([OUTSIDE]);
  // The whole link ends where the guest breaks the protocol.
  guest.write(encodeFrame(listening, 99));
  expect((await link.closed)?.message).toContain('kind 99');
  await expect.poll(() => held[0]?.readableEnded || held[0]?.destroyed).toBe(true);
});
