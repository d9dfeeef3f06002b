import { expect, test } from 'vitest';
import { GROSS_HUNDREDTHS, heightOf, marginBars } from './margin-plot';

test('bars stand where their tokens stand, in order, whatever order they came in', () => {
  const bars = marginBars(
    [
      [9, 0],
      [0, 255],
      [3, 60],
    ],
    10,
  );
  expect(bars.map(({ position }) => position)).toEqual([0, 3, 9]);
  expect(bars.map(({ x }) => x)).toEqual([0, 3 / 9, 1]);
  expect(bars.map(({ gross }) => gross)).toEqual([true, true, false]);
  expect(marginBars([[0, 1]], 1)[0]!.x).toBe(0);
});

test('heights grow with the margin, from nothing to the whole', () => {
  const heights = [0, 1, 5, GROSS_HUNDREDTHS, 200, 255].map(heightOf);
  expect(heights[0]).toBe(0);
  expect(heights.at(-1)).toBe(1);
  expect(heights.toSorted((a, b) => a - b)).toEqual(heights);
});
