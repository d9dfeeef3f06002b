import { expect, it } from 'vitest';
import { fitTokens } from './fit-text';

const CLS = 101;
const SEP = 102;
const single = { ids: [CLS, 1, 2, 3, 4, SEP], typeIds: null };

it('a text that fits stays whole', () => {
  expect(fitTokens(single, [1, 2, 3, 4], 6)).toEqual({ ...single, truncated: false });
});

it('a text that is too long loses its end, not the mark after it', () => {
  expect(fitTokens(single, [1, 2, 3, 4], 4)).toEqual({ ids: [CLS, 1, 2, SEP], typeIds: null, truncated: true });
  expect(fitTokens({ ids: [7, 7, 7, 7, SEP], typeIds: null }, [7, 7, 7, 7], 3)?.ids).toEqual([7, 7, SEP]);
  expect(fitTokens({ ids: [1, 2, 3], typeIds: null }, [1, 2, 3], 2)?.ids).toEqual([1, 2]);
});

it('of a pair only the passage is cut, and each id keeps the text to which it belongs', () => {
  const pair = { ids: [CLS, 1, 2, SEP, 1, 2, 3, SEP], typeIds: [0, 0, 0, 0, 1, 1, 1, 1] };
  expect(fitTokens(pair, [1, 2, 3], 6)).toEqual({
    ids: [CLS, 1, 2, SEP, 1, SEP],
    typeIds: [0, 0, 0, 0, 1, 1],
    truncated: true,
  });
});

it('nothing is cut where the rest alone is too long', () => {
  expect(fitTokens({ ids: [CLS, 1, 2, SEP, 3, SEP], typeIds: null }, [3], 5)).toBeNull();
  expect(fitTokens({ ids: [CLS, 1, 2, SEP, SEP], typeIds: null }, [], 4)).toBeNull();
});
