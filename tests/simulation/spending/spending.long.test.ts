import { expect, test } from 'vitest';
import { SCENARIOS } from './scenarios';
import { simulate } from './simulate';

/** One small mesh that is cut in two, at a fixed seed: two of four adversaries sign a history for each part, one two at once, one goes silent. */
test('of credit spent twice in a cut mesh nothing is certified or paid twice, and every honest node comes to the same', async () => {
  const scenario = SCENARIOS.find(({ name }) => name === 'halves')!;
  const { figures, stage } = await simulate({ nodes: 20, share: 0.2, seed: 3, jobsPerNode: 1, scenario });
  const { spends, paid, lostToForgers } = figures;
  expect(spends.upToTwo.forgers).toBeGreaterThan(0);
  // Something was tried, something got past a payee, and honest work was paid: else the rest would say nothing.
  expect(spends.upToTwo.taken).toBeGreaterThan(0);
  expect(lostToForgers.jobs).toBeGreaterThan(0);
  expect(paid.jobs).toBeGreaterThan(0);

  expect(spends.upToTwo).toMatchObject({ certified: 0, paidTwice: 0, beyondLimitsMicros: 0 });
  expect(figures.lostCertified.micros).toBe(0);
  expect(figures.mostLostToOneMicros).toBeLessThanOrEqual(stage.founded.world.policy.provisionalCapMicros);
  expect(figures).toMatchObject({ supplyMicros: 0, sumOfBalancesMicros: 0, digests: 1, unproved: 0 });
});
