import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEconomyPolicy, MAX_MICROS } from '../identity/economy-policy';
import { creditText, splitCharge, windowSecondsFor } from './credits';

const policy = defaultEconomyPolicy('a'.repeat(64));

describe('credits', () => {
  it('are open to challenge the longer, the more they are', () => {
    const seconds = [0, 1_000_000, 1_000_001, 10_000_000, 10_000_001, MAX_MICROS];
    expect(seconds.map((micros) => windowSecondsFor(policy, micros))).toEqual([600, 600, 3_600, 3_600, 86_400, 86_400]);
  });

  it('of a charge come to exactly the charge, whoever gets how much', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_MICROS }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 500 }),
        (charge, validators, validatorShareMilli) => {
          const { executorMicros, validatorMicros } = splitCharge(
            { ...policy, validatorShareMilli },
            charge,
            validators,
          );
          expect(executorMicros + validators * validatorMicros).toBe(charge);
          expect(validatorMicros).toBeGreaterThanOrEqual(0);
          expect(executorMicros).toBeGreaterThanOrEqual(charge / 2);
          if (validators > 0) {
            const share = Number((BigInt(charge) * BigInt(validatorShareMilli)) / 1_000n);
            expect(validatorMicros).toBe(Math.floor(share / validators));
          }
        },
      ),
    );
  });

  it('are written exactly', () => {
    const texts = [0, 1, 10, 3_000, 1_500_000, 1_000_000, -2_040, 12_345_678].map(creditText);
    expect(texts).toEqual(['0.00', '0.000001', '0.00001', '0.003', '1.50', '1.00', '−0.00204', '12.345678']);
  });
});
