import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countVotes, ENOUGH, MAX_VOTE_WEIGHT, MAX_VOTES, voteWeight, type Vote } from './weighted-vote';

const votes = (...choices: readonly string[]): Vote[] => choices.map((choice) => ({ choice, weight: 1 }));
const count = (cast: readonly Vote[], remaining: number, enough = 1) =>
  countVotes(cast, { remaining, maxWeight: 1, enough });

describe('a vote', () => {
  it('is won by the most weight, not by the most voices, and no voice weighs more than it may', () => {
    const cast: Vote[] = [{ choice: 'a', weight: 3 }, ...votes('b', 'b')];
    expect(countVotes(cast, { remaining: 0, maxWeight: 3, enough: 1 })).toMatchObject({
      choice: 'a',
      share: 0.6,
      outcome: 'won',
    });
    expect(count(cast, 0)).toMatchObject({ choice: 'b' });
  });

  it('goes on while what can still come may change it, and stops when nothing can', () => {
    expect(count(votes('a'), 2).outcome).toBe('open');
    expect(count(votes('a', 'a'), 1).outcome).toBe('won');
    expect(count(votes('a', 'b'), 1).outcome).toBe('open');
    expect(count(votes('a', 'a', 'b'), 1).outcome).toBe('open');
    expect(count(votes('a', 'a', 'b', 'a'), 1).outcome).toBe('won');
  });

  it('stops early when it is sure enough, never on one voice alone', () => {
    const weight = voteWeight(0.8, 1);
    const rules = { remaining: MAX_VOTES, maxWeight: MAX_VOTE_WEIGHT, enough: ENOUGH };
    const same = (voices: number) =>
      countVotes(
        Array.from({ length: voices }, () => ({ choice: 'a', weight })),
        rules,
      );
    expect([1, 2, 3].map((voices) => same(voices).outcome)).toEqual(['open', 'open', 'won']);
    expect(countVotes([{ choice: 'a', weight: 50 }], rules).outcome).toBe('open');
  });

  it('without a leader is tied at its end and names the first', () => {
    expect(count(votes('b', 'a'), 0)).toMatchObject({ choice: 'b', outcome: 'tied' });
    expect(count([], 0)).toMatchObject({ choice: null, outcome: 'tied' });
    expect(count([], 3).outcome).toBe('open');
  });

  it('that was called won is never lost to votes that come after', () => {
    const vote = fc.record({
      choice: fc.constantFrom('a', 'b', 'c'),
      weight: fc.double({ min: 0.01, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(vote, { minLength: 1, maxLength: 8 }), fc.nat(8), (all, at) => {
        const cast = all.slice(0, at);
        const early = count(cast, all.length - cast.length);
        if (early.outcome === 'won') expect(count(all, 0)).toMatchObject({ choice: early.choice, outcome: 'won' });
      }),
    );
  });
});

it('a voice counts by the log-odds of its accuracy and by its confidence, within bounds', () => {
  expect(voteWeight(0.9, 1)).toBeCloseTo(Math.log(9));
  expect(voteWeight(0.9, 0.5)).toBeCloseTo(Math.log(9) / 2);
  expect(voteWeight(1, 7)).toBe(MAX_VOTE_WEIGHT);
  expect(voteWeight(0, 1)).toBeGreaterThan(0);
  for (const odd of [NaN, -1, Infinity]) expect(voteWeight(odd, odd)).toBeGreaterThan(0);
});
