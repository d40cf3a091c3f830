import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Ending } from '../../src/client/ending.ts';

test('gives what work comes to, until the end comes first', async () => {
  const end = Promise.withResolvers<void>();
  const ending = new Ending(end.promise);
  expect(await ending.before(Promise.resolve(7))).toBe(7);
  await expect(ending.before(Promise.reject(new Error('no')))).rejects.toThrow('no');
  const never = ending.before(new Promise(() => undefined));
  expect(ending.over).toBe(false);
  end.reject(new Error('badly'));
  expect(await never).toBeUndefined();
  expect(ending.over).toBe(true);
  expect(await ending.before(Promise.reject(new Error('too late')))).toBeUndefined();
  await ending.pause(1_000_000);
});

test('keeps nothing of what has been waited for', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const ending = new Ending(new Promise(() => undefined));
  const seen: WeakRef<object>[] = [];
  for (let at = 0; at < 100; at++) seen.push(new WeakRef((await ending.before(Promise.resolve({ at })))!));
  // A reference that was looked at or made lives until the next turn.
  await new Promise((turn) => setTimeout(turn));
  collect();
  expect(seen.filter((one) => one.deref() !== undefined).length).toBeLessThan(2);
  expect(ending.over).toBe(false);
});
