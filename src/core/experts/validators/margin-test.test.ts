import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORBIDDEN_MARGIN } from '../../engines/decision';
import { TOP_K } from '../../engines/sampling';
import {
  CAUTIOUS_LIMITS,
  FALSE_REJECTIONS,
  GROSS_POINTS,
  judgeMargins,
  MEASURED_LIMITS,
  SOFT_POINTS,
  windowsOf,
  type MarginLimits,
  type MarginScore,
} from './margin-test';
import { EXTENDED_POSITIONS, planPositions, SPARSE_FIRST_POSITIONS } from './positions';

const seed = new Uint8Array(32).fill(5);
const good: MarginScore = { rank: 0, margin: 0 };
const missing = (margin: number, rank = 1): MarginScore => ({ rank, margin });
const planOf = (length: number) => planPositions({ length, seed });

/** An answer in which the tokens at some places missed by so much. */
const answer = (length: number, misses: Readonly<Record<number, MarginScore | number>> = {}): MarginScore[] =>
  Array.from({ length }, (_, at) => {
    const miss = misses[at];
    return miss === undefined ? good : typeof miss === 'number' ? missing(miss) : miss;
  });
const spread = (count: number, margin: number, from = 0, every = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [from + index * every, margin]));
const judge = (scores: readonly MarginScore[], limits?: MarginLimits) =>
  judgeMargins(scores, planOf(scores.length), limits);

describe('margins', () => {
  it('of an honest answer are accepted, and counted', () => {
    const judgement = judge(answer(100, { 3: 0.05, 40: 0.3, 80: 0.7 }));
    expect(judgement).toMatchObject({ decision: 'accepted', stage: 1, gross: 1, soft: 1, worst: 0.7, fault: null });
    expect(judgement.clippedSum).toBeCloseTo(0.05 + 0.3 + 0.5, 12);
    expect(judgement.positions).toEqual(planOf(100).first);
  });

  it.each([64, 128, 256])(
    'that miss grossly in one place of %i tokens are rejected, spread out they are not',
    (length) => {
      const quarter = length / 4;
      const { limit } = windowsOf(length, CAUTIOUS_LIMITS)[1]!;
      const count = Math.ceil(limit / GROSS_POINTS);
      // At the start of every part, and across the border of every two quarters.
      const places = [0, 1, 2, 3]
        .flatMap((at) => [at * quarter, at * quarter - Math.floor(count / 2)])
        .filter((at) => at >= 0);
      for (const from of places)
        expect(judge(answer(length, spread(count, 0.6, from)))).toMatchObject({
          decision: 'rejected',
          fault: 'too_many',
          gross: count,
        });
      expect(judge(answer(length, spread(count, 0.6, 1, quarter))).decision).toBe('accepted');
      const whole = Math.ceil(windowsOf(length, CAUTIOUS_LIMITS)[0]!.limit / GROSS_POINTS);
      const every = Math.floor((length - 1) / whole);
      expect(judge(answer(length, spread(whole, 0.6, 1, every))).decision).toBe('rejected');
    },
  );

  it('that miss a little count too, five of them as one gross one', () => {
    const { limit } = windowsOf(256, CAUTIOUS_LIMITS)[1]!;
    expect(judge(answer(256, spread(limit, 0.3))).decision).toBe('rejected');
    expect(judge(answer(256, spread(limit - 1, 0.3))).decision).toBe('accepted');
    expect(judge(answer(256, { ...spread(limit - GROSS_POINTS, 0.3), 63: 0.6 })).decision).toBe('rejected');
  });

  it('at the bounds belong to the smaller class', () => {
    expect(judge(answer(20, { 1: 0.1, 2: 0.5 }))).toMatchObject({ gross: 0, soft: 1 });
    expect(judge(answer(20, { 1: 5 }))).toMatchObject({ decision: 'accepted', gross: 1 });
    expect(judge(answer(20, { 1: 0.5 }), MEASURED_LIMITS).decision).toBe('accepted');
  });
});

describe('a single forged token', () => {
  it('is rejected where no rounding makes such a margin, wherever it stands', () => {
    for (const at of [0, 17, 255]) {
      expect(judge(answer(256, { [at]: 5.01 }))).toMatchObject({ decision: 'rejected', fault: 'enormous', gross: 1 });
      expect(judge(answer(256, { [at]: 0.51 }), MEASURED_LIMITS)).toMatchObject({ fault: 'enormous' });
    }
    expect(judge(answer(8, { 2: missing(FORBIDDEN_MARGIN, 400) })).fault).toBe('enormous');
  });

  it('that ended just outside the draw may be a rounded one, and counts as one gross miss', () => {
    for (const rank of [TOP_K, TOP_K + 9, 2 * TOP_K - 1])
      expect(judge(answer(256, { 9: missing(FORBIDDEN_MARGIN, rank) }))).toMatchObject({
        decision: 'accepted',
        gross: 1,
        worst: FORBIDDEN_MARGIN,
      });
    // Where the model must refuse, a likely token is forbidden too: no edge is near.
    expect(judge(answer(256, { 0: missing(FORBIDDEN_MARGIN, 1) })).fault).toBe('enormous');
    expect(judge(answer(256, { 9: missing(FORBIDDEN_MARGIN, 2 * TOP_K) })).fault).toBe('enormous');
  });
});

describe('a long answer', () => {
  const length = 1_024;
  const plan = planOf(length);
  const further = plan.extended.filter((at) => !plan.first.includes(at));

  it('is accepted at the first look when nothing missed there', () => {
    const misses = Object.fromEntries(further.map((at) => [at, 0.6]));
    expect(judge(answer(length, misses))).toMatchObject({ decision: 'accepted', stage: 1, positions: plan.first });
  });

  it('is looked at again when a single token missed, and judged by all that was seen', () => {
    const doubt = { [plan.first[3]!]: 0.2 };
    expect(judge(answer(length, doubt))).toMatchObject({ decision: 'accepted', stage: 2, positions: plan.extended });
    const lies = Object.fromEntries(further.slice(0, 8).map((at) => [at, 0.6]));
    expect(judge(answer(length, { ...doubt, ...lies }))).toMatchObject({ decision: 'rejected', stage: 2, gross: 8 });
    const forged = { [further[5]!]: 9 };
    expect(judge(answer(length, { ...doubt, ...forged }))).toMatchObject({ fault: 'enormous', stage: 2 });
  });

  it('is rejected at the first look when that is enough', () => {
    const lies = Object.fromEntries(plan.first.slice(0, 8).map((at) => [at, 0.6]));
    expect(judge(answer(length, lies))).toMatchObject({ decision: 'rejected', stage: 1, fault: 'too_many' });
  });

  it('stays open until the tokens are scored that it takes', () => {
    const scored = (positions: readonly number[], misses: Readonly<Record<number, number>>) => {
      const whole = answer(length, misses);
      const some: (MarginScore | undefined)[] = [];
      for (const at of positions) some[at] = whole[at];
      return some;
    };
    const doubt = { [plan.first[3]!]: 0.2 };
    expect(judgeMargins(scored(plan.first, {}), plan).decision).toBe('accepted');
    expect(judgeMargins(scored(plan.first, doubt), plan)).toMatchObject({ decision: 'open', stage: 1 });
    expect(judgeMargins(scored(plan.extended, doubt), plan)).toMatchObject({ decision: 'accepted', stage: 2 });
  });
});

describe('a number that says nothing', () => {
  it('leaves the answer undecided, whatever the others say', () => {
    for (const margin of [Number.NaN, Infinity])
      expect(judge(answer(32, { ...spread(10, 9), 20: margin })).decision).toBe('undecided');
    expect(judgeMargins(answer(31), planOf(32)).decision).toBe('undecided');
    expect(judgeMargins([], planOf(0)).decision).toBe('undecided');
    const plan = planOf(1_024);
    const further = plan.extended.find((at) => !plan.first.includes(at))!;
    const scores = answer(1_024, { [plan.first[0]!]: 0.2, [further]: Number.NaN });
    expect(judgeMargins(scores, plan)).toMatchObject({ decision: 'undecided', stage: 2 });
  });
});

describe('the rule', () => {
  it('never takes a worse answer for a better one', () => {
    const margins = fc.array(fc.constantFrom(0, 0, 0, 0, 0.05, 0.3, 0.7, 2), { minLength: 8, maxLength: 400 });
    fc.assert(
      fc.property(margins, fc.nat(), fc.constantFrom(0.3, 0.7, 8), (list, at, worse) => {
        const before = judge(list.map((margin) => missing(margin)));
        const changed = list.map((margin, index) =>
          missing(index === at % list.length ? Math.max(margin, worse) : margin),
        );
        if (before.decision === 'rejected') expect(judge(changed).decision).toBe('rejected');
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  /** P(points ≥ limit) by binomial sums over logarithms: another road to what `pointLimit` computes. */
  const logFactorial: number[] = [0];
  for (let n = 1; n <= EXTENDED_POSITIONS; n++) logFactorial.push(logFactorial[n - 1]! + Math.log(n));
  const binomial = (n: number, k: number, share: number) =>
    share === 0
      ? Number(k === 0)
      : Math.exp(
          logFactorial[n]! -
            logFactorial[k]! -
            logFactorial[n - k]! +
            k * Math.log(share) +
            (n - k) * Math.log(1 - share),
        );
  const chanceOf = (count: number, limit: number, grossShare: number, softShare: number): number => {
    let below = 0;
    for (let gross = 0; GROSS_POINTS * gross < limit && gross <= count; gross++) {
      const rest = count - gross;
      let softs = 0;
      for (let soft = 0; soft <= rest && GROSS_POINTS * gross + SOFT_POINTS * soft < limit; soft++)
        softs += binomial(rest, soft, softShare / (1 - grossShare));
      below += binomial(count, gross, grossShare) * softs;
    }
    return 1 - below;
  };
  /** All that may go wrong together: the union bound over the parts. */
  const falseRejection = (count: number, limits: MarginLimits, gross: number, soft: number): number =>
    windowsOf(count, limits).reduce((sum, { from, to, limit }) => sum + chanceOf(to - from, limit, gross, soft), 0);

  it('rejects at most 1 honest answer in 10,000, at any length, when 0.2 % of its tokens miss grossly', () => {
    for (const limits of [CAUTIOUS_LIMITS, MEASURED_LIMITS])
      for (let count = 8; count <= EXTENDED_POSITIONS; count++)
        expect(falseRejection(count, limits, limits.honestGross, limits.honestSoft)).toBeLessThanOrEqual(
          FALSE_REJECTIONS,
        );
  });

  it('has limits that are not looser than they must be', () => {
    for (const count of [8, 16, 63, 64, 256, 512])
      for (const { from, to, limit } of windowsOf(count, CAUTIOUS_LIMITS)) {
        const share = FALSE_REJECTIONS / windowsOf(count, CAUTIOUS_LIMITS).length;
        expect(chanceOf(to - from, limit - 1, 0.002, 0.02)).toBeGreaterThan(share);
      }
  });

  it('has these limits', () => {
    const table = [8, 16, 32, 64, 128, 256, 512].map((count) => {
      const [whole, quarter] = windowsOf(count, CAUTIOUS_LIMITS);
      const [measured, measuredQuarter] = windowsOf(count, MEASURED_LIMITS);
      return [count, whole!.limit, quarter?.limit, measured!.limit, measuredQuarter?.limit];
    });
    expect(table).toMatchInlineSnapshot(`
      [
        [
          8,
          11,
          undefined,
          3,
          undefined,
        ],
        [
          16,
          12,
          undefined,
          6,
          undefined,
        ],
        [
          32,
          13,
          undefined,
          6,
          undefined,
        ],
        [
          64,
          20,
          13,
          7,
          6,
        ],
        [
          128,
          26,
          17,
          7,
          6,
        ],
        [
          256,
          36,
          20,
          8,
          7,
        ],
        [
          512,
          51,
          26,
          11,
          7,
        ],
      ]
    `);
  });

  it('judges fewer positions by the same rule', () => {
    const plan = planPositions({ length: 256, seed, first: SPARSE_FIRST_POSITIONS });
    expect(judgeMargins(answer(256), plan)).toMatchObject({ stage: 1, positions: { length: SPARSE_FIRST_POSITIONS } });
    expect(judgeMargins(answer(256, spread(64, 0.6, 192)), plan)).toMatchObject({ decision: 'rejected', stage: 1 });
  });
});
