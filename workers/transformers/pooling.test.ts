import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { normalised, pool, readPooling, softmax } from './pooling';

describe('the way of pooling', () => {
  const from = (config: object) => readPooling(JSON.stringify(config));

  it('is the one that the model names, and the mean where it names none', () => {
    expect(unwrap(readPooling(null))).toBe('mean');
    expect(unwrap(from({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }))).toBe('cls');
    expect(unwrap(from({ pooling_mode_mean_tokens: true, word_embedding_dimension: 384 }))).toBe('mean');
    expect(unwrap(from({ pooling_mode_max_tokens: true }))).toBe('max');
    expect(unwrap(from({ pooling_mode_lasttoken: true }))).toBe('last');
  });

  it('is refused where it is unknown, double, or no configuration at all', () => {
    const refused = [
      from({}),
      from({ pooling_mode_weightedmean_tokens: true }),
      from({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: true }),
      from({ pooling_mode_cls_token: 'yes' }),
      readPooling('<!doctype html>'),
    ];
    for (const one of refused) expect(one).toMatchObject({ ok: false, error: { code: 'load_failed' } });
  });
});

it('padding takes no part in a pooled vector', () => {
  const vectors = Float32Array.from([1, 5, 3, 1, 100, 100]);
  expect([...pool(vectors, 2, 2, 'mean')]).toEqual([2, 3]);
  expect([...pool(vectors, 2, 2, 'max')]).toEqual([3, 5]);
  expect([...pool(vectors, 2, 2, 'cls')]).toEqual([1, 5]);
  expect([...pool(vectors, 2, 2, 'last')]).toEqual([3, 1]);
});

it('a vector is scaled to length 1, and that of nothing stays nothing', () => {
  expect([...normalised(Float32Array.from([3, 4]))].map((value) => value.toFixed(6))).toEqual(['0.600000', '0.800000']);
  expect([...normalised(new Float32Array(2))]).toEqual([0, 0]);
});

it('probabilities add up to 1, however large the logits', () => {
  const probabilities = softmax([1_000, 999, -1_000]);
  expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
  expect(probabilities[0]! / probabilities[1]!).toBeCloseTo(Math.E, 10);
});
