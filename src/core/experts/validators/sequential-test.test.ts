import { describe, expect, it } from 'vitest';
import { FORBIDDEN_MARGIN } from '../../engines/decision';
import { CAUTIOUS_LIMITS, FALSE_REJECTIONS, MEASURED_LIMITS, type MarginLimits } from './margin-test';
import {
  chanceToReach,
  createSequentialTest,
  GROSS_STEP,
  SOFT_STEP,
  suspicionLimit,
  suspicionOf,
} from './sequential-test';

/** What the test says after each margin of a list. */
function run(margins: readonly number[], limits?: MarginLimits, count = margins.length) {
  const test = createSequentialTest(count, limits);
  return margins.map((margin) => test.push({ rank: 1, margin }));
}
const repeat = (margin: number, times: number): number[] => Array.from({ length: times }, () => margin);

describe('margins one by one', () => {
  it('stay open until the last one, and are accepted with it', () => {
    const states = run(repeat(0.02, 256));
    expect(states.slice(0, -1).every(({ decision }) => decision === 'open')).toBe(true);
    expect(states.at(-1)).toMatchObject({ decision: 'accepted', looked: 256, gross: 0, soft: 0, fault: null });
    expect(states.at(-1)!.clippedSum).toBeCloseTo(256 * 0.02, 9);
  });

  it('are rejected with the miss that is one too many', () => {
    const states = run(repeat(0.8, 10), CAUTIOUS_LIMITS, 256);
    const enough = Math.ceil(suspicionLimit(256, CAUTIOUS_LIMITS) / GROSS_STEP);
    expect(states.map(({ decision }) => decision).indexOf('rejected')).toBe(enough - 1);
    expect(states.at(-1)).toMatchObject({ decision: 'rejected', looked: enough, gross: enough, fault: 'too_many' });
    const softs = Math.ceil(suspicionLimit(256, CAUTIOUS_LIMITS) / SOFT_STEP);
    expect(
      run(repeat(0.3, 40), CAUTIOUS_LIMITS, 256)
        .map(({ decision }) => decision)
        .indexOf('rejected'),
    ).toBe(softs - 1);
  });

  it('that turn bad late are seen as soon as those that begin so', () => {
    const lie = [0, 0.8, 0, 0, 0.8, 0, 0.8, 0, 0];
    const at = (before: number) =>
      run([...repeat(0, before), ...lie], CAUTIOUS_LIMITS, 256).findIndex(({ decision }) => decision === 'rejected') -
      before;
    expect(at(0)).toBe(6);
    expect(at(240)).toBe(6);
  });

  it('are forgiven when good ones lie between them', () => {
    const states = run(Array.from({ length: 256 }, (_, at) => (at % 40 === 0 ? 0.8 : 0)));
    expect(states.at(-1)).toMatchObject({ decision: 'accepted', gross: 7 });
  });

  it('of which one is enormous are rejected at once', () => {
    expect(run([0, 0, 5.1, 0]).at(2)).toMatchObject({ decision: 'rejected', fault: 'enormous', looked: 3 });
    expect(run([0, FORBIDDEN_MARGIN], CAUTIOUS_LIMITS, 9).at(-1)!.fault).toBe('enormous');
    expect(run([0, 0.6], MEASURED_LIMITS, 9).at(-1)!.fault).toBe('enormous');
    expect(run([0, 0.6], CAUTIOUS_LIMITS, 9).at(-1)!.decision).toBe('open');
  });

  it('of which one is not a number decide nothing', () => {
    expect(run([0.8, Number.NaN, 9], CAUTIOUS_LIMITS, 9).at(-1)).toMatchObject({ decision: 'undecided', looked: 2 });
  });

  it('change nothing after the decision', () => {
    const test = createSequentialTest(1);
    const accepted = test.push({ rank: 0, margin: 0 });
    expect(accepted.decision).toBe('accepted');
    expect(test.push({ rank: 9, margin: 9 })).toBe(accepted);
  });
});

describe('the limit', () => {
  it('is the least that honest answers reach in at most 1 of 10,000', () => {
    for (const limits of [CAUTIOUS_LIMITS, MEASURED_LIMITS])
      for (const count of [8, 16, 64, 128, 256, 512, 1_024]) {
        const limit = suspicionLimit(count, limits);
        expect(chanceToReach(limit, count, limits)).toBeLessThanOrEqual(FALSE_REJECTIONS);
        expect(chanceToReach(limit - 1, count, limits)).toBeGreaterThan(FALSE_REJECTIONS);
      }
    const counts = [8, 64, 256, 512, 1_024];
    expect(counts.map((count) => suspicionLimit(count, CAUTIOUS_LIMITS))).toMatchInlineSnapshot(`
      [
        39,
        49,
        58,
        62,
        64,
      ]
    `);
  });

  it('is reached as often as going through all short answers says', () => {
    const shares = { honestGross: 0.1, honestSoft: 0.2, enormous: 5 };
    const count = 7;
    for (const limit of [1, 5, 10, 21, 30, 42]) {
      let reached = 0;
      const walk = (looked: number, suspicion: number, chance: number): void => {
        if (suspicion >= limit) reached += chance;
        else if (looked < count)
          for (const [gross, soft, share] of [
            [1, 0, 0.1],
            [0, 1, 0.2],
            [0, 0, 0.7],
          ] as const)
            walk(looked + 1, Math.max(0, suspicion + suspicionOf({ positions: 1, gross, soft })), chance * share);
      };
      walk(0, 0, 1);
      expect(chanceToReach(limit, count, shares)).toBeCloseTo(reached, 12);
    }
  });
});
