import { expect, it } from 'vitest';
import { bestShare } from './best-share';

it('how sure a model was is the share of the best label, whatever all scores have in common', () => {
  expect(bestShare([0, 0])).toBe(0.5);
  expect(bestShare([-700, 1_300, -700])).toBeCloseTo(1 / (1 + 2 * Math.exp(-2)));
  expect(bestShare([-1e12, -1e12 + 1_000])).toBeCloseTo(1 / (1 + Math.exp(-1)));
  expect(bestShare([1e12, -1e12])).toBe(1);
});

it('nothing is known without scores', () => {
  expect(bestShare(null)).toBe(0);
  expect(bestShare([])).toBe(0);
});
