import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEconomyPolicy, MAX_MICROS } from '../identity/economy-policy';
import { splitCharge, windowSecondsFor } from './credits';

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
});
