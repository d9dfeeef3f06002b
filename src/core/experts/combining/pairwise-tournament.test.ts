import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CANDIDATES, standing, type Comparison } from './pairwise-tournament';

type Judge = (a: number, b: number) => Comparison['better'];

/** Asks as long as the tournament asks. */
function play(count: number, judge: Judge): { winner: number; asked: Comparison[] } {
  const asked: Comparison[] = [];
  for (;;) {
    const { winner, next } = standing(count, asked);
    if (winner !== null) return { winner, asked };
    const [a, b] = next!;
    asked.push({ a, b, better: judge(a, b) });
  }
}
const pairs = (count: number): [number, number][] =>
  Array.from({ length: count }, (_, b) => Array.from({ length: b }, (_, a): [number, number] => [a, b])).flat();

describe('a tournament', () => {
  it('is won by the one that beats the others', () => {
    const best: Judge = (a, b) => (a === 2 ? 'a' : b === 2 ? 'b' : 'tie');
    expect(play(4, best).winner).toBe(2);
    expect(play(1, best)).toEqual({ winner: 0, asked: [] });
  });

  it('ends before all have met when nothing can change it', () => {
    const byNumber: Judge = (a, b) => (a < b ? 'a' : 'b');
    expect(play(3, byNumber).asked).toHaveLength(2);
    expect(play(MAX_CANDIDATES, byNumber).asked.length).toBeLessThan(pairs(MAX_CANDIDATES).length);
  });

  it('between equals goes to the winner of their own comparison, then to the earlier one', () => {
    expect(play(2, () => 'tie').winner).toBe(0);
    expect(play(3, () => 'tie').winner).toBe(0);
    const results: Comparison[] = [
      { a: 0, b: 1, better: 'b' },
      { a: 0, b: 2, better: 'a' },
      { a: 0, b: 3, better: 'a' },
      { a: 1, b: 2, better: 'b' },
      { a: 1, b: 3, better: 'a' },
      { a: 2, b: 3, better: 'b' },
    ];
    expect(standing(4, results)).toMatchObject({ points: [2, 2, 1, 1], winner: 1 });
  });

  it('ends in a circle too', () => {
    expect(play(3, (a, b) => ((b - a) % 3 === 1 ? 'a' : 'b')).winner).toBe(0);
  });

  it('ended early gives what playing it out would have given, asking no pair twice', () => {
    const better = fc.constantFrom<Comparison['better']>('a', 'b', 'tie');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(better, { minLength: 15, maxLength: 15 }),
        (count, results) => {
          const all = pairs(count).map(([a, b], at): Comparison => ({ a, b, better: results[at]! }));
          const judge: Judge = (a, b) => all.find((one) => one.a === a && one.b === b)!.better;
          const { winner, asked } = play(count, judge);
          expect(standing(count, all).winner).toBe(winner);
          expect(new Set(asked.map(({ a, b }) => `${a}-${b}`)).size).toBe(asked.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('counts no comparison twice and none of nobody', () => {
    const once: Comparison = { a: 0, b: 1, better: 'b' };
    expect(standing(3, [once, once, { ...once, better: 'a' }]).points).toEqual([0, 1, 0]);
    expect(
      standing(3, [
        { a: 0, b: 9, better: 'a' },
        { a: 1, b: 0, better: 'a' },
        { a: 1, b: 1, better: 'a' },
      ]).points,
    ).toEqual([0, 0, 0]);
  });
});
