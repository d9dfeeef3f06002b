import { describe, expect, it } from 'vitest';
import { hex } from '../base/bytes';
import { decide, FORBIDDEN_MARGIN, scoreClaim } from './decision';
import { gumbelNoiseAt, samplingSeed, seedAt, TOP_K, TOP_K_TOLERANCE, topIds, type SeedParts } from './sampling';

const PARTS: SeedParts = {
  nonce: new Uint8Array(32).fill(1),
  jobId: 'job-1',
  executor: 'ab'.repeat(32),
  modelHash: 'cd'.repeat(32),
};
const seed = samplingSeed(PARTS);
const rule = (temperature: number) => ({ sampling: { temperature, seeds: [{ from: 0, seed }] } });

/** Logits in which every id has another value. */
const logitsOf = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, id) => 8 * Math.sin(id * 12.9898) + id * 1e-4);

describe('a seed', () => {
  it('is the same on every device', () => {
    expect(hex(seed)).toMatchInlineSnapshot(`"1af074127a1ad9b705b854793d3b3d4b9d26e88ca733e182c65c832d77d04cc1"`);
    expect(gumbelNoiseAt(seed, 3)(17)).toMatchInlineSnapshot(`1.265101437655348`);
  });

  it('changes with everything that it is bound to', () => {
    const others: SeedParts[] = [
      { ...PARTS, nonce: new Uint8Array(32).fill(2) },
      { ...PARTS, jobId: 'job-2' },
      { ...PARTS, executor: 'ac'.repeat(32) },
      { ...PARTS, modelHash: 'ce'.repeat(32) },
    ];
    expect(new Set([PARTS, ...others].map((parts) => hex(samplingSeed(parts)))).size).toBe(5);
  });

  it('holds from its position until the next one begins', () => {
    const second = samplingSeed({ ...PARTS, jobId: 'job-2' });
    const sampling = {
      temperature: 1,
      seeds: [
        { from: 0, seed },
        { from: 5, seed: second },
      ],
    };
    expect([0, 4, 5, 9].map((position) => seedAt(sampling, position) === second)).toEqual([false, false, true, true]);
  });
});

describe('the noise', () => {
  it('is spread as Gumbel noise is, over tokens and over positions', () => {
    const draws = Array.from({ length: 40_000 }, (_, at) => gumbelNoiseAt(seed, at >> 7)((at & 127) * 31));
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length;
    // Euler's constant and π²/6, within five standard errors.
    expect(Math.abs(mean - 0.5772)).toBeLessThan(0.033);
    expect(Math.abs(variance - 1.6449)).toBeLessThan(0.12);
    expect(draws.every(Number.isFinite)).toBe(true);
  });

  it('draws tokens as often as their probabilities say', () => {
    const logits = Float32Array.from([2, 1, 0, -1]);
    const weights = [...logits].map((logit) => Math.exp(logit / 0.8));
    const sum = weights.reduce((a, b) => a + b);
    const counts = [0, 0, 0, 0];
    const runs = 8_000;
    for (let position = 0; position < runs; position++) counts[decide(rule(0.8), logits, position).chosenId]!++;
    counts.forEach((count, id) => {
      const expected = weights[id]! / sum;
      expect(Math.abs(count / runs - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / runs));
    });
  });
});

describe('the largest logits', () => {
  it('are those of a full sort, the lowest id first among equals', () => {
    const logits = Float32Array.from({ length: 500 }, (_, id) => Math.round(6 * Math.sin(id * 78.233)));
    const sorted = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
    for (const count of [1, 2, 7, 64, 499, 500]) expect(topIds(logits, count)).toEqual(sorted.slice(0, count));
    expect(topIds(Float32Array.from([1, 2]), 5)).toEqual([1, 0]);
  });
});

describe('a sampled token', () => {
  const logits = logitsOf(300);
  const sorted = topIds(logits, 300);

  it('has no margin, and every other one loses by what it lacks', () => {
    for (let position = 0; position < 50; position++) {
      const { chosenId, drawnScore } = decide(rule(1), logits, position);
      expect(scoreClaim(rule(1), logits, position, chosenId)).toMatchObject({ rank: 0, margin: 0 });
      const other = sorted[0] === chosenId ? sorted[1]! : sorted[0]!;
      const noise = gumbelNoiseAt(seed, position)(other);
      expect(scoreClaim(rule(1), logits, position, other).margin).toBeCloseTo(drawnScore - (logits[other]! + noise), 5);
    }
  });

  it('comes from the most likely ones, and one beyond the tolerance is forbidden', () => {
    const flat = Float32Array.from({ length: 200 }, (_, id) => -id * 1e-3);
    for (let position = 0; position < 200; position++)
      expect(decide(rule(2), flat, position).chosenId).toBeLessThan(TOP_K);
    const edge = TOP_K + TOP_K_TOLERANCE;
    expect(scoreClaim(rule(2), flat, 0, edge - 1).margin).toBeLessThan(FORBIDDEN_MARGIN);
    expect(scoreClaim(rule(2), flat, 0, edge).margin).toBe(FORBIDDEN_MARGIN);
  });

  it('is the most likely one at temperature 0', () => {
    for (let position = 0; position < 20; position++)
      expect(decide(rule(0), logits, position).chosenId).toBe(decide({}, logits, position).chosenId);
  });

  it('gives way where the model must refuse', () => {
    const refusing = { ...rule(1), refusal: { firstTokenId: 7, minProbability: 1 } };
    expect(decide(refusing, logits, 0).chosenId).toBe(7);
    expect(scoreClaim(refusing, logits, 0, sorted[0]!).margin).toBe(FORBIDDEN_MARGIN);
    expect(decide(refusing, logits, 1).chosenId).toBe(decide(rule(1), logits, 1).chosenId);
  });
});
