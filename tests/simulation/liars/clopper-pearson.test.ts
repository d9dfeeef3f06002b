import { expect, it } from 'vitest';
import { clopperPearson } from './clopper-pearson';

const near = (pair: readonly number[]) => pair.map((value) => Number(value.toFixed(4)));

it('is the exact interval of a share', () => {
  expect(near(clopperPearson(0, 10))).toEqual([0, 0.3085]);
  expect(near(clopperPearson(5, 10))).toEqual([0.1871, 0.8129]);
  expect(near(clopperPearson(10, 10))).toEqual([0.6915, 1]);
  // With no hit it is what the rule of three rounds: 1 - 0.025^(1/n).
  expect(clopperPearson(0, 5_000)[1]).toBeCloseTo(1 - 0.025 ** (1 / 5_000), 9);
});
