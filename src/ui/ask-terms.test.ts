import { describe, expect, test } from 'vitest';
import { microsOf, priceSentence } from './ask-terms';

describe('a price that a person writes', () => {
  test('is exact in millionths, with a point or a comma', () => {
    expect(['0.1', '0,25', ' 2 ', '0', '0.000001'].map(microsOf)).toEqual([100_000, 250_000, 2_000_000, 0, 1]);
  });
  test('is none when it is empty, negative, endless or no number', () => {
    expect(['', '-1', 'Infinity', 'free', '1e9'].map(microsOf)).toEqual([null, null, null, null, null]);
  });
});

describe('the sentence about the price', () => {
  const range = { fromMicros: 20_000, toMicros: 50_000, free: false };
  test('says the range, and what is paid at most for all answers together', () => {
    expect(priceSentence(range, 100_000, 'ordinary')).toBe(
      'An answer costs 0.02 to 0.05 at most. You pay 0.10 at most.',
    );
    expect(priceSentence(range, 100_000, 'raised')).toContain('You pay 0.30 at most for 3 answers.');
  });
  test('says when it comes to a favour', () => {
    expect(priceSentence(range, 0, 'ordinary')).toContain('You ask for a favour');
    expect(priceSentence(range, 10_000, 'ordinary')).toContain('more than you pay');
  });
  test('says when nobody is there, or asks for anything', () => {
    expect(priceSentence(null, 100_000, 'ordinary')).toContain('Nobody offers answers just now.');
    expect(priceSentence({ fromMicros: 0, toMicros: 0, free: true }, 100_000, 'high')).toBe(
      'Whoever is here answers for nothing.',
    );
  });
});
