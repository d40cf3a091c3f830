import { afterAll, beforeAll, expect, test } from 'vitest';

import { startNest, type TestNest } from './start-nest.ts';

let nest: TestNest;

beforeAll(async () => {
  nest = await startNest({ packages: false });
});

afterAll(() => nest?.stop());

test('sandboxes that come and go at the same time do not disturb each other', async () => {
  const lives = Array.from({ length: 4 }, async () => {
    const outputs: string[] = [];
    for (let life = 0; life < 12; life++) {
      const guest = await nest.spawn();
      outputs.push((await guest.sh('echo alive')).stdout);
      await guest.kill();
    }
    return outputs;
  });
  expect((await Promise.all(lives)).flat()).toEqual(Array.from({ length: 48 }, () => 'alive\n'));
});

test('limits that make no sense are refused with the reason', async () => {
  await expect(nest.spawn({ memoryMb: -1 })).rejects.toThrow('a limit is not positive');
});
