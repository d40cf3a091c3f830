import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import {
  Channel,
  FrameKind,
  FrameReader,
  INITIAL_CREDIT_BYTES,
  encodeFrame,
  encodeJsonFrame,
} from '../../../src/sandbox-server/link/guest-frames.ts';
import type { GuestLink } from '../../../src/sandbox-server/link/guest-link.ts';
import { GuestListener, sandboxName } from '../../../src/sandbox-server/link/guest-listener.ts';

/** A guest made of raw frames: it says what a test wants said, well-behaved or not. */
class FakeGuest {
  readonly socket: Socket;
  readonly received: { streamId: number; kind: number; body: Buffer }[] = [];
  #reader = new FrameReader();
  #wake: (() => void) | undefined;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk))
        this.received.push({ ...frame, body: Buffer.from(frame.body) });
      this.#wake?.();
    });
  }

  hello(name: string, token: string): void {
    this.socket.write(encodeJsonFrame(0, FrameKind.hello, { role: 'sandbox', name, token }));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  dataBytes(): number {
    return this.received
      .filter((frame) => frame.kind === FrameKind.data)
      .reduce((sum, frame) => sum + frame.body.length - 1, 0);
  }
}

let folder: string;
let listener: GuestListener;
let guest: FakeGuest;
let link: GuestLink;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-link-'));
  listener = new GuestListener(join(folder, 'guest.sock'));
  await listener.listen();
  const arriving = listener.expect(sandboxName('s1'), 'token', AbortSignal.timeout(5000));
  guest = new FakeGuest(listener.socketPath);
  guest.hello('s1', 'token');
  link = await arriving;
});

afterEach(async () => {
  guest.socket.destroy();
  await listener.close();
  rmSync(folder, { recursive: true });
});

test('a token opens the way to the server once', async () => {
  const later = new FakeGuest(listener.socketPath);
  const cut = once(later.socket, 'close');
  later.hello('s1', 'token');
  await cut;
  expect(link.isClosed).toBe(false);
});

test('a call gives the guest its parameters and returns its event', async () => {
  const answer = link.call('stats', { a: 1 });
  await guest.until(() => guest.received.length === 1);
  expect(JSON.parse(guest.received[0]?.body.toString() ?? '')).toEqual({ op: 'stats', a: 1 });
  guest.socket.write(encodeJsonFrame(1, FrameKind.event, { cpuCount: 2 }));
  guest.socket.write(encodeJsonFrame(1, FrameKind.end, {}));
  expect(await answer).toEqual({ cpuCount: 2 });
});

test('an error of the guest keeps its code; an unknown code does not get out', async () => {
  const first = link.call('x');
  const second = link.call('y');
  guest.socket.write(encodeJsonFrame(1, FrameKind.end, { error: { code: 'not_found', message: 'no x' } }));
  guest.socket.write(encodeJsonFrame(2, FrameKind.end, { error: { code: '__proto__', message: 7 } }));
  await expect(first).rejects.toMatchObject({ code: 'not_found', message: 'no x' });
  await expect(second).rejects.toMatchObject({ code: 'unknown' });
});

test('bytes wait for credit, and another stream goes on meanwhile', async () => {
  const upload = link.open('file.write');
  const writing = upload.write(Channel.body, Buffer.alloc(INITIAL_CREDIT_BYTES + 100_000));
  await guest.until(() => guest.dataBytes() === INITIAL_CREDIT_BYTES);
  const other = link.call('stats');
  await guest.until(() => guest.received.at(-1)?.kind === FrameKind.open);
  guest.socket.write(encodeJsonFrame(2, FrameKind.end, {}));
  await other;
  expect(guest.dataBytes()).toBe(INITIAL_CREDIT_BYTES);
  const credit = Buffer.alloc(4);
  credit.writeUInt32BE(100_000);
  guest.socket.write(encodeFrame(1, FrameKind.window, credit));
  await writing;
  await guest.until(() => guest.dataBytes() === INITIAL_CREDIT_BYTES + 100_000);
});

test('a guest gets new credit only for what has been read', async () => {
  const download = link.open('file.read');
  guest.socket.write(encodeFrame(1, FrameKind.data, Buffer.alloc(100_001)));
  guest.socket.write(encodeJsonFrame(1, FrameKind.event, { after: true }));
  expect(guest.received.some((frame) => frame.kind === FrameKind.window)).toBe(false);
  const item = await download.next();
  expect(item?.type === 'data' && item.bytes.length).toBe(100_000);
  await guest.until(() => guest.received.some((frame) => frame.kind === FrameKind.window));
});

test.each([
  [
    'more bytes than its credit',
    () => encodeFrame(1, FrameKind.data, Buffer.alloc(INITIAL_CREDIT_BYTES + 2)),
  ],
  ['a stream that was never opened', () => encodeFrame(9, FrameKind.event, Buffer.from('{}'))],
  ['a frame of an impossible length', () => Buffer.from([255, 255, 255, 255])],
  ['a frame without a kind', () => Buffer.from([0, 0, 0, 4, 0, 0, 0, 1])],
  ['text that is not JSON', () => encodeFrame(1, FrameKind.event, Buffer.from('{'))],
  ['JSON that is not an object', () => encodeFrame(1, FrameKind.event, Buffer.from('[1]'))],
  ['a kind that only the server may send', () => encodeFrame(1, FrameKind.open, Buffer.from('{}'))],
])('a guest that sends %s is cut off', async (_, frame) => {
  const stream = link.open('x');
  guest.socket.write(frame());
  await expect(stream.next()).rejects.toThrow('lost');
  expect(await link.closed).toMatchObject({ code: 'guest-protocol' });
});

test('events that nobody reads end the stream, not the server', async () => {
  const stream = link.open('file.watch');
  const event = encodeJsonFrame(1, FrameKind.event, { name: 'x'.repeat(500_000) });
  for (let i = 0; i < 10; i++) guest.socket.write(event);
  await guest.until(() => guest.received.some((frame) => frame.kind === FrameKind.cancel));
  await expect(stream.next()).rejects.toMatchObject({ code: 'resource_exhausted' });
  guest.socket.write(encodeJsonFrame(1, FrameKind.end, {}));
  const answer = link.call('stats');
  guest.socket.write(encodeJsonFrame(2, FrameKind.end, {}));
  expect(await answer).toEqual({});
});

test('a guest with a wrong token or name is not let in', async () => {
  const arriving = listener.expect(sandboxName('s2'), 'token', AbortSignal.timeout(300));
  const wrong = new FakeGuest(listener.socketPath);
  wrong.hello('s2', 'guess');
  await new Promise((resolve) => wrong.socket.on('close', resolve));
  const unknown = new FakeGuest(listener.socketPath);
  unknown.hello('s3', 'token');
  await new Promise((resolve) => unknown.socket.on('close', resolve));
  await expect(arriving).rejects.toThrow();
});

test('a lost guest fails every open stream', async () => {
  const streams = [link.open('a'), link.open('b')];
  guest.socket.destroy();
  for (const stream of streams) await expect(stream.next()).rejects.toMatchObject({ code: 'guest-lost' });
  expect(() => link.open('c')).toThrow('lost');
});
