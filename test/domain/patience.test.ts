import { expect, test } from 'vitest';
import { Patience } from '../../src/domain/patience.ts';

const busy = { type: 'service-busy', message: '' } as const;
const lost = { type: 'sandbox-lost', message: '' } as const;

test('waits longer with each trouble of a kind, and counts the kinds apart', () => {
  const patience = new Patience(600_000);
  expect([busy, busy, lost, busy].map((trouble) => patience.afterMs(trouble))).toEqual([
    1_000, 2_000, 100, 4_000,
  ]);
  expect(patience.leftMs).toBe(600_000 - 7_100);
});

test('ends when a kind has used up its tries', () => {
  const patience = new Patience(600_000);
  expect([lost, lost, lost, lost, lost].map((trouble) => patience.afterMs(trouble))).toEqual([
    100,
    200,
    400,
    800,
    undefined,
  ]);
  expect(patience.afterMs(busy)).toBe(1_000);
});

test('ends when the next wait is longer than what is left', () => {
  const patience = new Patience(3_500);
  expect([busy, busy, busy].map((trouble) => patience.afterMs(trouble))).toEqual([1_000, 2_000, undefined]);
  expect(patience.leftMs).toBe(500);
});
