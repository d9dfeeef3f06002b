import { expect, test } from 'vitest';
import { deviceWords, marginBands, pairSentence, tokensOf } from './margin-bands';

const bounds = { softAboveHundredths: 10, grossAboveHundredths: 50 };
const counts = (byHundredths: Readonly<Record<number, number>>) => ({
  counts: Object.entries(byHundredths).map(([hundredths, tokens]) => ({ hundredths: Number(hundredths), tokens })),
});

test('every token stands in one band, and what lies on a bound is no miss', () => {
  const bands = marginBands(counts({ 0: 900, 1: 40, 10: 3, 11: 2, 50: 1, 51: 1, 255: 4 }), bounds);
  expect(bands.filter(({ tokens }) => tokens > 0).map(({ label, tokens, miss }) => [label, tokens, miss])).toEqual([
    ['0', 900, 'none'],
    ['0.01', 40, 'none'],
    ['0.06–0.10', 3, 'none'],
    ['0.11–0.20', 2, 'soft'],
    ['0.21–0.50', 1, 'soft'],
    ['0.51–1.00', 1, 'gross'],
    ['2.55 and more', 4, 'gross'],
  ]);
  const every = counts(Object.fromEntries(Array.from({ length: 256 }, (_, at) => [at, 1])));
  expect(marginBands(every, bounds).reduce((sum, { tokens }) => sum + tokens, 0)).toBe(tokensOf(every));
});

test('one token beside ten thousand is still seen, and none is not', () => {
  const bands = marginBands(counts({ 0: 10_000, 60: 1 }), bounds);
  expect(bands[0]!.height).toBe(1);
  expect(bands[7]!.height).toBeGreaterThan(0.05);
  expect(bands[1]!.height).toBe(0);
});

test('shares are told with what they are of, and nothing seen is not nothing', () => {
  expect(pairSentence(counts({ 0: 2_997, 20: 2, 60: 1 }), bounds)).toBe(
    '3,000 tokens: 3 above 0.10 (0.1 %), 1 above 0.50 (0.033 %).',
  );
  expect(pairSentence(counts({ 0: 998, 20: 2 }), bounds)).toBe(
    '1,000 tokens: 2 above 0.10 (0.2 %), none above 0.50; with 95 % certainty fewer than 0.3 % are above 0.50.',
  );
  expect(pairSentence(counts({ 0: 1_000 }), bounds)).toBe(
    '1,000 tokens: none above 0.10; with 95 % certainty fewer than 0.3 % are above 0.10.',
  );
  expect(pairSentence(counts({ 0: 1 }), bounds)).toBe('1 token: none above 0.10; too few to say more.');
});

test('a device class becomes words, and one of a newer node stays what it is', () => {
  expect(deviceWords('true 8 16')).toBe('WebGPU, 8 cores, 16 GB');
  expect(deviceWords('false 1 ?')).toBe('no WebGPU, 1 core');
  expect(deviceWords('? ? ?')).toBe('unknown');
  expect(deviceWords('arm, npu')).toBe('arm, npu');
});
