import { describe, expect, it } from 'vitest';
import { expectedGainOfCheating, MOST_SAVED } from '#core/experts/audit';
import { FORBIDDEN_MARGIN } from '#core/engines/decision';
import { createDraws, drawAnswer, forgeOne, PLACES, poolOfErrors, poolOfRates, type PlaceName } from './answers';
import {
  answersUntilCaught,
  HONEST_ERRORS,
  LIARS,
  liarPool,
  measure,
  TESTS,
  wilson,
  type Measured,
  type TestName,
} from './power';

/** A fixed sample of what `print-power.ts` does at full size. */
const ANSWERS = 1_500;
const SEED = 7;
const LENGTH = 256;

const honest = poolOfErrors(50, HONEST_ERRORS);
const liar = liarPool(LIARS[1]);
const measured = new Map<string, Measured>();
/** Several rules ask for the same figure. */
function power(test: TestName, place: PlaceName, length = LENGTH): Measured {
  const key = `${test}/${place}/${length}`;
  const known =
    measured.get(key) ??
    measure(TESTS[test], ANSWERS, SEED, (draws) => drawAnswer(draws, length, honest, liar, PLACES[place]));
  measured.set(key, known);
  return known;
}
const share = ({ rejected, answers }: { rejected: number; answers: number }) => rejected / answers;

describe('the model of logits', () => {
  it.each([
    [0.5, 0.04],
    [1, 0.134],
    [1.5, 0.23],
  ])('misses as often as published with errors of %f', (errors, published) => {
    const pool = poolOfErrors(1, errors, false, 40_000);
    const gross = pool.filter(({ margin }) => margin > 0.5).length / pool.length;
    expect(Math.abs(gross - published)).toBeLessThan(0.006);
  });

  it('has no misses without errors, and many with a seed of one’s own', () => {
    expect(poolOfErrors(1, 0, false, 2_000).every(({ margin }) => margin === 0)).toBe(true);
    const other = poolOfErrors(1, 0, true, 20_000);
    expect(other.filter(({ margin }) => margin > 0.5).length / other.length).toBeGreaterThan(0.2);
  });
});

describe('an interval', () => {
  it('is Wilson’s', () => {
    const near = (pair: readonly number[]) => pair.map((value) => Number(value.toFixed(4)));
    expect(near(wilson(0, 10))).toEqual([0, 0.2775]);
    expect(near(wilson(5, 10))).toEqual([0.2366, 0.7634]);
    expect(near(wilson(10, 10))).toEqual([0.7225, 1]);
  });
});

describe('a liar that misses grossly 10 % of the time in answers of 256 tokens', () => {
  it.each([
    ['all of it', 0.99],
    ['every other token, by chance', 0.92],
    ['first half', 0.92],
    ['last half', 0.92],
    ['last quarter', 0.9],
    ['second quarter', 0.9],
  ] as const)('is rejected when it cheats on %s', (place, bar) => {
    expect(share(power('ours', place))).toBeGreaterThanOrEqual(bar);
  });

  it('is seen far more often than by the published test when it cheats on a part', () => {
    for (const place of ['every other token, by chance', 'last half', 'last quarter'] as const) {
      const [ours, published] = [power('ours', place), power('published', place)];
      expect(wilson(ours.rejected, ANSWERS)[0]).toBeGreaterThan(wilson(published.rejected, ANSWERS)[1]);
    }
  });

  it('is seen with half the tokens, and one by one, nearly as well', () => {
    expect(share(power('ours, sparse', 'last quarter'))).toBeGreaterThan(0.88);
    expect(share(power('one by one', 'last quarter'))).toBeGreaterThan(0.82);
    expect(share(power('one by one', 'all of it'))).toBeGreaterThan(0.99);
  });

  it('loses by it, wherever it cheats, with nothing at stake but the answer', () => {
    for (const [place, part] of [
      ['all of it', 1],
      ['last half', 1 / 2],
      ['last quarter', 1 / 4],
    ] as const)
      for (const test of ['ours', 'ours, measured'] as const) {
        const detection = share(power(test, place));
        const saved = MOST_SAVED * part;
        expect(expectedGainOfCheating({ saved, rate: 1, detection, stake: 0, price: 1 })).toBeLessThan(0);
      }
  });

  it('is caught by its record when single answers are too short to tell', () => {
    const counts = Array.from({ length: 100 }, (_, node) =>
      answersUntilCaught(liar, honest, 16, 1, createDraws(node), 50),
    );
    expect(share(power('ours', 'all of it', 16))).toBeLessThan(0.4);
    expect(counts.filter((count) => count <= 10).length).toBeGreaterThan(95);
  });

  it('is caught within fifty answers when it cheats on one in five', () => {
    const counts = Array.from({ length: 100 }, (_, node) =>
      answersUntilCaught(liar, honest, LENGTH, 0.2, createDraws(node), 50),
    );
    expect(counts.filter((count) => count <= 50)).toHaveLength(100);
  });
});

describe('an honest node', () => {
  it.each([64, 256, 512])('has hardly an answer of %i tokens rejected at the worst honest rates', (length) => {
    const worst = poolOfRates(0.002, 0.02);
    for (const test of ['ours', 'ours, sparse', 'one by one'] as const) {
      const { rejected, answers } = measure(TESTS[test], 6_000, SEED, (draws) => drawAnswer(draws, length, worst));
      expect(wilson(rejected, answers)[0]).toBeLessThan(1e-4);
      expect(share({ rejected, answers })).toBeLessThan(1e-3);
    }
  });

  it('has none rejected where errors are as large as we measured', () => {
    for (const test of ['ours', 'one by one', 'ours, measured'] as const)
      expect(measure(TESTS[test], 4_000, SEED, (draws) => drawAnswer(draws, LENGTH, honest)).rejected).toBe(0);
  });
});

describe('a single forged token', () => {
  it('of an answer of 256 is always seen where the model would not have said it, never by the published test', () => {
    const forged = { rank: 5_000, margin: FORBIDDEN_MARGIN };
    const found = (test: TestName) =>
      measure(TESTS[test], 500, SEED, (draws) => forgeOne(draws, LENGTH, honest, forged)).rejected;
    expect(found('ours')).toBe(500);
    expect(found('one by one')).toBe(500);
    expect(found('published')).toBe(0);
  });

  it('that the model might have said is seen only where devices were measured', () => {
    const forged = { rank: 3, margin: 2 };
    const found = (test: TestName) =>
      measure(TESTS[test], 500, SEED, (draws) => forgeOne(draws, LENGTH, honest, forged)).rejected;
    expect(found('ours, measured')).toBe(500);
    expect(found('ours')).toBe(0);
  });
});
