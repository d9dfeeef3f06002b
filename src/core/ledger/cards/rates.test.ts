import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unwrap } from '../../base/result';
import { advertisementDraft } from '#tests/fakes/host-cards';
import { MAX_RATE_MICROS } from './money';
import { chargeMicros, defaultRateMicros, priceRange, verificationRateMicros } from './rates';

describe('the default rate', () => {
  test.each([
    [8_000_000_000, 80_000],
    [1_000_000_000, 10_000],
    [1_235_814_400, 12_358],
    [1_670_400, 17],
    [149_999, 1],
    [1, 1],
    [0, 1],
    [Number.MAX_SAFE_INTEGER, MAX_RATE_MICROS],
  ])('of %i parameters is %i micros a token', (parameters, micros) => {
    expect(defaultRateMicros(parameters)).toBe(micros);
  });

  test('for a hundred tokens comes to as many credits as the model has billions of parameters', () => {
    expect(100 * defaultRateMicros(7_000_000_000)).toBe(7_000_000);
  });

  test('of checking is about a third, and nothing for what is given away', () => {
    expect([0, 1, 17, 80_000].map(verificationRateMicros)).toEqual([0, 1, 5, 24_000]);
  });
});

describe('a charge', () => {
  const metered = { promptTokens: 12, completionTokens: 8, rateMicros: 150, minimumMicros: 1_000 };

  test('is every token at the rate, exactly', () => {
    expect(unwrap(chargeMicros(metered))).toBe(3_000);
  });

  test('is the minimum at least', () => {
    expect(unwrap(chargeMicros({ ...metered, minimumMicros: 3_001 }))).toBe(3_001);
    expect(unwrap(chargeMicros({ ...metered, minimumMicros: 3_000 }))).toBe(3_000);
    expect(unwrap(chargeMicros({ ...metered, rateMicros: 0, minimumMicros: 0 }))).toBe(0);
  });

  test.each([
    ['a part of a token', { promptTokens: 0.5 }],
    ['tokens below nothing', { completionTokens: -1 }],
    ['a rate below nothing', { rateMicros: -150 }],
    ['no number', { minimumMicros: NaN }],
    ['more than can be held exactly', { rateMicros: Number.MAX_SAFE_INTEGER }],
  ])('of %s is refused', (_, change) => {
    expect(chargeMicros({ ...metered, ...change })).toMatchObject({ ok: false, error: { code: 'not_countable' } });
  });

  test('is exact for all that the schemas allow', () => {
    const tokens = fc.nat(1_000_000);
    fc.assert(
      fc.property(tokens, tokens, fc.nat(MAX_RATE_MICROS), (promptTokens, completionTokens, rateMicros) => {
        const charge = unwrap(chargeMicros({ promptTokens, completionTokens, rateMicros, minimumMicros: 0 }));
        expect(BigInt(charge)).toBe((BigInt(promptTokens) + BigInt(completionTokens)) * BigInt(rateMicros));
      }),
    );
  });
});

describe('a price before asking', () => {
  test('lies between an empty answer and the longest', () => {
    expect(unwrap(priceRange(advertisementDraft, 12, 8))).toEqual({ leastMicros: 1_800, mostMicros: 3_000 });
    expect(unwrap(priceRange(advertisementDraft, 1, 100))).toEqual({ leastMicros: 1_000, mostMicros: 15_150 });
  });

  test('holds every charge that can come of it', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000), (promptTokens, maxTokens, answered) => {
        const completionTokens = Math.min(answered, maxTokens);
        const { leastMicros, mostMicros } = unwrap(priceRange(advertisementDraft, promptTokens, maxTokens));
        const metered = { promptTokens, completionTokens, rateMicros: 150, minimumMicros: 1_000 };
        const charge = unwrap(chargeMicros(metered));
        expect(leastMicros <= charge && charge <= mostMicros).toBe(true);
      }),
    );
  });

  test('is not told where no answers are offered', () => {
    const rateMicros = { inference: null, training: null, verification: 45 };
    const offer = { ...advertisementDraft.offer, roles: ['verification' as const], rateMicros };
    expect(priceRange({ offer }, 1, 1)).toMatchObject({ error: { code: 'not_offered' } });
  });
});
