import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chanceOfAtLeast } from './sign-test';

/** Pascal's triangle in whole numbers: the same sum by another way. */
function exact(k: number, n: number): number {
  let row = [1n];
  for (let i = 0; i < n; i++) row = [1n, ...row.slice(1).map((value, at) => value + row[at]!), 1n];
  const sum = row.slice(Math.max(0, k)).reduce((total, value) => total + value, 0n);
  return Number((sum * 10n ** 15n) / 2n ** BigInt(n)) / 1e15;
}

test('the chance of heads is that of the binomial distribution', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 120 }), fc.integer({ min: -2, max: 125 }), (n, k) => {
      expect(chanceOfAtLeast(k, n)).toBeCloseTo(exact(k, n), 12);
    }),
  );
});

test('five heads of five are luck in one case of 32', () => {
  expect(chanceOfAtLeast(5, 5)).toBe(1 / 32);
  expect(chanceOfAtLeast(6, 5)).toBe(0);
  expect(chanceOfAtLeast(0, 0)).toBe(1);
  expect(chanceOfAtLeast(500, 1_000)).toBeGreaterThan(0.5);
});
