import { describe, expect, it } from 'vitest';
import { bytesOfVector, cosineOf, vectorOfBytes } from '../../engines/vector-bytes';
import { MIN_COSINE, rankingAgrees, rankingOf, vectorsAgree } from './encoder-check';

describe('vectors', () => {
  const vector = Float32Array.of(0.6, 0, -0.8);
  const found = [{ vector, truncated: false }];
  const claimed = (given: Float32Array, truncated = false) => [{ vector: bytesOfVector(given), truncated }];

  it('come back from their bytes as they were, from any place in a buffer', () => {
    const odd = new Uint8Array(20);
    odd.set(bytesOfVector(vector), 3);
    expect(vectorOfBytes(odd.subarray(3, 15))).toEqual(vector);
    expect(vectorOfBytes(new Uint8Array(5))).toHaveLength(1);
  });

  it('agree within the tolerance and not beyond it', () => {
    expect(vectorsAgree(claimed(vector), found)).toBe(true);
    // A turn in the plane of the first and last number, by an angle on each side of the bound.
    const turned = (cosine: number): Float32Array => {
      const sine = Math.sqrt(1 - cosine * cosine);
      return Float32Array.of(0.6 * cosine + 0.8 * sine, 0, -0.8 * cosine + 0.6 * sine);
    };
    const slack = (1 - MIN_COSINE) / 2;
    expect(vectorsAgree(claimed(turned(MIN_COSINE + slack)), found)).toBe(true);
    expect(vectorsAgree(claimed(turned(MIN_COSINE - slack)), found)).toBe(false);
  });

  it('of another number, other dimensions, or cut otherwise do not agree', () => {
    expect(vectorsAgree([], found)).toBe(false);
    expect(vectorsAgree([...claimed(vector), ...claimed(vector)], found)).toBe(false);
    expect(vectorsAgree(claimed(Float32Array.of(1)), found)).toBe(false);
    expect(vectorsAgree(claimed(vector, true), found)).toBe(false);
    expect(cosineOf(vector, Float32Array.of(1))).toBeNaN();
  });
});

describe('rankings', () => {
  const of = (...scores: readonly number[]) => scores.map((score) => ({ score, truncated: false }));

  it('put the most relevant first, and equals in the order in which they came', () => {
    expect(rankingOf(of(0.1, 0.9, 0.1, 0.5))).toEqual({
      scoresMilli: [100, 900, 100, 500],
      order: [1, 3, 0, 2],
      truncated: [],
    });
  });

  it('agree within two thousandths and not beyond', () => {
    const found = of(0.2, 0.7);
    const claim = (scoresMilli: readonly number[]) => ({ scoresMilli, order: [1, 0], truncated: [] });
    expect(rankingAgrees(claim([202, 698]), found)).toBe(true);
    expect(rankingAgrees(claim([203, 700]), found)).toBe(false);
    expect(rankingAgrees(claim([200]), found)).toBe(false);
  });

  it('may swap what rounding may swap, and nothing else, however near to 0 or 1', () => {
    const claim = (order: readonly number[]) => ({ scoresMilli: [0, 0], order, truncated: [] });
    expect(rankingAgrees(claim([0, 1]), of(1e-6, 1.005e-6))).toBe(true);
    expect(rankingAgrees(claim([0, 1]), of(1e-6, 2e-6))).toBe(false);
    expect(rankingAgrees(claim([1, 0]), of(1e-6, 2e-6))).toBe(true);
    expect(rankingAgrees(claim([1, 0]), of(0, 0))).toBe(true);
    for (const odd of [[0], [0, 0], [0, 2], []]) expect(rankingAgrees(claim(odd), of(1e-6, 1e-6))).toBe(false);
  });

  it('name the passages that were cut', () => {
    const found = [...of(0.2), { score: 0.1, truncated: true }];
    expect(rankingAgrees(rankingOf(found), found)).toBe(true);
    expect(rankingAgrees({ ...rankingOf(found), truncated: [] }, found)).toBe(false);
    expect(rankingAgrees({ ...rankingOf(found), truncated: [0] }, found)).toBe(false);
  });
});
