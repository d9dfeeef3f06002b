import { describe, expect, test } from 'vitest';
import {
  deltaWords,
  endingOf,
  findingWords,
  formatOf,
  milliOf,
  share,
  timesMilliOf,
  wordsOf,
} from './contribution-words';

describe('figures as people type them', () => {
  test.each([
    ['50', 500],
    ['75.3 %', 753],
    [' 0 ', 0],
    ['100', 1_000],
    ['0.04', 0],
    ['100.1', null],
    ['-1', null],
    ['', null],
    ['half', null],
    ['Infinity', null],
  ])('%j is a share of %j thousandths', (typed, milli) => expect(milliOf(typed)).toBe(milli));

  test.each([
    ['1', 1_000],
    ['1.25', 1_250],
    ['0', 0],
    ['100', 100_000],
    ['101', null],
    ['', null],
    ['x', null],
  ])('%j times is %j thousandths', (typed, milli) => expect(timesMilliOf(typed)).toBe(milli));

  test('shares and gains read as percentages', () => {
    expect([share(0), share(500), share(753), share(1_000)]).toEqual(['0 %', '50 %', '75.3 %', '100 %']);
    expect(deltaWords({ measure: 'right_answers', beforeMilli: 500, afterMilli: 750, samples: 1 })).toBe(
      'Right answers: 50 % before, 75 % after, of 1 case',
    );
  });
});

test('a finding reads as its verdict and its figures', () => {
  const finding = {
    type: 'contribution-finding',
    v: 1,
    contribution: 'c',
    receipt: 'provenance_receipt',
    verifier: 'a',
    verdict: 'accepted',
    delta: null,
    qualityMilli: null,
    evidence: 'e',
    at: 0,
  } as const;
  expect(findingWords(finding)).toBe('finds it true');
  const delta = { measure: 'right_answers', set: 's', beforeMilli: 500, afterMilli: 750, samples: 4 } as const;
  expect(findingWords({ ...finding, delta, qualityMilli: 1_250 })).toBe(
    'finds it true; 50 % before, 75 % after; 1.25 times what was to be expected',
  );
});

test('words are taken apart by commas, each once, in the form that contributions hold', () => {
  expect(wordsOf('Cooking, bread  baking,cooking, , 3 grains,Ünder')).toEqual([
    'cooking',
    'bread_baking',
    'grains',
    'nder',
  ]);
  expect(wordsOf('')).toEqual([]);
});

test('a format follows the end of a name', () => {
  expect(['a.MD', 'b.jsonl', 'c.tar.gz', 'none'].map(formatOf)).toEqual([
    'text/markdown',
    'application/jsonl',
    'application/octet-stream',
    'application/octet-stream',
  ]);
});

test('a file ends as its format says, where that is known', () => {
  expect(['text/markdown', 'application/x-msdownload', 'application/octet-stream'].map(endingOf)).toEqual([
    '.md',
    '',
    '',
  ]);
});
