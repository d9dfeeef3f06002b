import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex } from '../../base/bytes';
import { EXTENDED_POSITIONS, FIRST_POSITIONS, planPositions, positionSeed, SPARSE_FIRST_POSITIONS } from './positions';

const secret = new Uint8Array(32).fill(7);
const seed = positionSeed('bafy-commitment', secret, 'job-1');
const seedOf = (run: number) => positionSeed(`commitment-${run}`, secret, 'job');
const ascending = (list: readonly number[]) => list.every((at, index) => index === 0 || at > list[index - 1]!);

describe('the seed of the positions', () => {
  it('is the same on every device', () => {
    expect(hex(seed)).toMatchInlineSnapshot(`"2256910860e78c6da7d15feab96ed033b6f95686d59f64c8735818aab3c1d9eb"`);
  });

  it('changes with everything that it is bound to', () => {
    const others = [
      positionSeed('bafy-commitment2', secret, 'job-1'),
      positionSeed('bafy-commitment', new Uint8Array(32).fill(8), 'job-1'),
      positionSeed('bafy-commitment', secret, 'job-2'),
    ];
    expect(new Set([seed, ...others].map(hex)).size).toBe(4);
  });
});

describe('the positions', () => {
  it('are the same on every device', () => {
    const { first, extended } = planPositions({ length: 20_000, seed, first: 8 });
    expect(first).toMatchInlineSnapshot(`
      [
        589,
        5294,
        7690,
        9057,
        13085,
        16279,
        17977,
        19999,
      ]
    `);
    expect(extended.slice(0, 8)).toMatchInlineSnapshot(`
      [
        27,
        56,
        94,
        120,
        167,
        200,
        261,
        277,
      ]
    `);
  });

  it('are all of a short answer', () => {
    for (const length of [1, 2, 63, FIRST_POSITIONS]) {
      const { first, extended } = planPositions({ length, seed });
      expect(first).toEqual(Array.from({ length }, (_, at) => at));
      expect(extended).toBe(first);
    }
    expect(planPositions({ length: 0, seed })).toEqual({ first: [], extended: [] });
  });

  it('ascend, lie in the answer, end with its last token, and the first are among the extended', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000 }),
        fc.integer({ min: 2, max: FIRST_POSITIONS }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (length, count, drawn) => {
          const { first, extended } = planPositions({ length, seed: drawn, first: count });
          expect(first).toHaveLength(Math.min(count, length));
          expect(extended).toHaveLength(Math.min(EXTENDED_POSITIONS, length));
          for (const list of [first, extended]) {
            expect(ascending(list)).toBe(true);
            expect(list.at(-1)).toBe(length - 1);
            expect(list[0]).toBeGreaterThanOrEqual(0);
          }
          const within = new Set(extended);
          expect(first.every((at) => within.has(at))).toBe(true);
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });

  it('look at every quarter alike', () => {
    for (const [length, first] of [
      [300, SPARSE_FIRST_POSITIONS],
      [512, FIRST_POSITIONS],
      [1_024, FIRST_POSITIONS],
    ] as const) {
      const quarters = [0, 0, 0, 0];
      for (const at of planPositions({ length, seed, first }).first) quarters[Math.floor((4 * at) / length)]!++;
      for (const count of quarters) expect(Math.abs(count - first / 4)).toBeLessThanOrEqual(1);
    }
  });

  it('take every token of a long answer about equally often', () => {
    const length = 600;
    const runs = 1_000;
    const times = Array.from({ length }, () => 0);
    for (let run = 0; run < runs; run++)
      for (const at of planPositions({ length, seed: seedOf(run), first: SPARSE_FIRST_POSITIONS }).first) times[at]!++;
    const expected = (runs * (SPARSE_FIRST_POSITIONS - 1)) / (length - 1);
    // Lengths of stretches differ by one, which moves a token's share by up to a third; chance moves it by five errors.
    for (const count of times.slice(0, -1)) {
      expect(count).toBeGreaterThan(expected * 0.66 - 5 * Math.sqrt(expected));
      expect(count).toBeLessThan(expected * 1.34 + 5 * Math.sqrt(expected));
    }
    expect(times.at(-1)).toBe(runs);
  });

  it('are others with another seed', () => {
    const first = (run: number) => new Set(planPositions({ length: 1_024, seed: seedOf(run) }).first);
    const [a, b] = [first(1), first(2)];
    const shared = [...a].filter((at) => b.has(at)).length;
    expect(shared).toBeGreaterThan(30);
    expect(shared).toBeLessThan(110);
  });
});
