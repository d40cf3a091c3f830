import { expect, test } from 'vitest';
import { Room } from '../../src/activities/room.ts';
import { SANDBOX_TIMEOUT_MS } from '../../src/sandboxes/sandboxes.ts';

const opened = (sandboxId: string) => () => Promise.resolve({ sandboxId });

test('there is place for as many as are worked on at once, those that are being opened included', async () => {
  const room = new Room(2);
  const { promise, resolve } = Promise.withResolvers<{ sandboxId: string }>();
  const opening = room.opening(() => promise, { queued: false });
  expect(room.hasPlace()).toBe(true);
  await room.opening(opened('b'), { queued: false });
  expect(room.hasPlace()).toBe(false);
  resolve({ sandboxId: 'a' });
  await opening;
  expect(room.hasPlace()).toBe(false);
  room.closed('a');
  expect(room.hasPlace()).toBe(true);
});

test('an opening that failed leaves its place', async () => {
  const room = new Room(1);
  await expect(room.opening(() => Promise.reject(new Error('no')), { queued: false })).rejects.toThrow('no');
  expect(room.hasPlace()).toBe(true);
});

test('what is not heard of again is forgotten when its time is over, what is at work is not', async () => {
  const room = new Room(1);
  const later = (): number => Date.now() + SANDBOX_TIMEOUT_MS + 1_000;
  await room.opening(opened('lost'), { queued: false });
  expect(room.hasPlace()).toBe(false);
  expect(room.hasPlace(later())).toBe(true);
  await room.during('adopted', () => {
    expect(room.hasPlace(later())).toBe(false);
    return Promise.resolve();
  });
  expect(room.hasPlace()).toBe(false);
  expect(room.hasPlace(later())).toBe(true);
});

test('nobody goes before those that queue', async () => {
  const room = new Room(9);
  await room.opening(opened('a'), { queued: true });
  expect(room.hasPlace()).toBe(false);
  expect(room.hasPlace(Date.now() + 2_000)).toBe(true);
});

test('a sandbox that was closed while work in it ended is not counted again', async () => {
  const room = new Room(1);
  await room.during('a', () => Promise.resolve(room.closed('a')));
  expect(room.hasPlace()).toBe(true);
});
