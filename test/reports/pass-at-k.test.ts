import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimatePassAtK, passAtK } from '../../src/reports/pass-at-k.ts';

/** 1 - C(n-c, k) / C(n, k) in whole numbers. */
function exactly(n: number, c: number, k: number): number {
  const choose = (from: number, of: number) => {
    let result = 1n;
    for (let i = 0n; i < BigInt(of); i += 1n) result = (result * (BigInt(from) - i)) / (i + 1n);
    return result;
  };
  const scale = 10n ** 15n;
  return 1 - Number((scale * (n - c < k ? 0n : choose(n - c, k))) / choose(n, k)) / Number(scale);
}

test.each([
  [1, 1, 1, 1],
  [1, 0, 1, 0],
  [5, 2, 1, 0.4],
  [5, 2, 2, 0.7],
  [200, 10, 100, exactly(200, 10, 100)],
])('of %i samples %i pass: pass@%i is %f', (judged, passed, k, expected) => {
  expect(estimatePassAtK({ judged, passed }, k)).toBeCloseTo(expected, 12);
});

test('it agrees with the binomials, and stays in bounds where those overflow', () => {
  const samples = fc
    .integer({ min: 1, max: 300 })
    .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n }), fc.integer({ min: 1, max: n })));
  fc.assert(
    fc.property(samples, ([n, c, k]) => {
      expect(estimatePassAtK({ judged: n, passed: c }, k)).toBeCloseTo(exactly(n, c, k), 10);
    }),
  );
  const large = estimatePassAtK({ judged: 100_000, passed: 3 }, 50_000);
  expect(large).toBeGreaterThan(0.87);
  expect(large).toBeLessThan(0.88);
});

test('k beyond the samples is refused', () => {
  expect(() => estimatePassAtK({ judged: 2, passed: 2 }, 3)).toThrow(RangeError);
  expect(() => estimatePassAtK({ judged: 2, passed: 2 }, 0)).toThrow(RangeError);
});

test('the mean is over groups, and groups with too few samples are told', () => {
  const groups = [
    { judged: 2, passed: 1 },
    { judged: 2, passed: 2 },
    { judged: 1, passed: 0 },
  ];
  expect(passAtK(groups, 1)).toEqual({ k: 1, estimate: 0.5, groups: 3, groupsLeftOut: 0 });
  expect(passAtK(groups, 2)).toEqual({ k: 2, estimate: 1, groups: 2, groupsLeftOut: 1 });
  expect(passAtK(groups, 3)).toEqual({ k: 3, groups: 0, groupsLeftOut: 3 });
});
