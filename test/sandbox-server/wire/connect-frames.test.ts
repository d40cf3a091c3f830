import { expect, test } from 'vitest';

import { ConnectFault } from '../../../src/sandbox-server/wire/connect-fault.ts';
import { endFrame, messageFrame, readMessages } from '../../../src/sandbox-server/wire/connect-frames.ts';

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const one of source) all.push(one);
  return all;
}

test('messages survive any cutting of the stream', async () => {
  const bytes = Buffer.concat([messageFrame({ a: 'é' }), messageFrame({}), messageFrame([1, 2])]);
  for (const size of [1, 2, 5, 7, 1000]) {
    expect(await collect(readMessages(inPieces(bytes, size)))).toEqual([{ a: 'é' }, {}, [1, 2]]);
  }
});

test('a long message in very many pieces takes no longer than its bytes', { timeout: 5_000 }, async () => {
  const message = { a: 'x'.repeat(4_000_000) };
  expect(await collect(readMessages(inPieces(messageFrame(message), 16)))).toEqual([message]);
});

test('a message is a zero flag, a big-endian length and JSON', () => {
  expect([...messageFrame({ a: 1 }).subarray(0, 5)]).toEqual([0, 0, 0, 0, 7]);
});

test('the last frame says how the stream ended', () => {
  expect(endFrame()[0]).toBe(2);
  expect(Buffer.from(endFrame(new ConnectFault('not_found', 'gone')).subarray(5)).toString()).toBe(
    '{"error":{"code":"not_found","message":"gone"}}',
  );
});

test.each([
  ['cut inside a frame', Buffer.from([0, 0, 0, 0, 9, 123]), 'ended inside'],
  ['compressed', Buffer.from([1, 0, 0, 0, 0]), 'compressed'],
  ['too long', Buffer.from([0, 255, 255, 255, 255]), 'over the limit'],
  ['no JSON', Buffer.from([0, 0, 0, 0, 1, 120]), 'not valid JSON'],
])('a frame that is %s is an invalid argument', async (_, bytes, message) => {
  await expect(collect(readMessages(inPieces(bytes, 64)))).rejects.toThrow(message);
});
