import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { fraction } from '../../base/chance';
import type { Chance } from '../../base/ports';
import {
  DROP_PERCENT,
  FALSE_ALARMS,
  judgeCanary,
  LEAST_FRESH_AUDITS,
  LEAST_OLD_AUDITS,
  MISSED_DROPS,
  type CanaryJudgement,
} from './judge-canary';

/** With a share of 5 %, the version before gathers 19 audits while the new one gathers one. */
const OLD_PER_FRESH = 19;
/** Long enough that nearly every run ends with a decision. */
const AUDITS = 400;
const RATES = [0, 0.01, 0.03, 0.05, 0.1, 0.2];

function runOne(chance: Chance, oldRate: number, freshRate: number, oldPerFresh: number): CanaryJudgement['decision'] {
  const draw = (rate: number) => (fraction(chance) < rate ? 'rejected' : 'accepted');
  const [old, fresh] = [
    { accepted: 0, rejected: 0 },
    { accepted: 0, rejected: 0 },
  ];
  for (let at = 0; at < LEAST_OLD_AUDITS; at++) old[draw(oldRate)] += 1;
  for (let at = 0; at < AUDITS; at++) {
    for (let more = 0; more < oldPerFresh; more++) old[draw(oldRate)] += 1;
    fresh[draw(freshRate)] += 1;
    const { decision } = judgeCanary({ old, fresh });
    if (decision !== 'keep') return decision;
  }
  return 'keep';
}

function shareOf(
  decision: CanaryJudgement['decision'],
  oldRate: number,
  freshRate: number,
  runs: number,
  oldPerFresh = OLD_PER_FRESH,
): number {
  const chance = createSeededChance(Math.round(1_000 * oldRate + 1_000_000 * freshRate));
  let count = 0;
  for (let run = 0; run < runs; run++) if (runOne(chance, oldRate, freshRate, oldPerFresh) === decision) count += 1;
  return count / runs;
}

/** Two standard deviations of a measured share. */
const noise = (share: number, runs: number): number => 2 * Math.sqrt((share * (1 - share)) / runs);

test.each(RATES)('a version as good as the one before (%s rejected) is seldom rolled back', (rate) => {
  const runs = 1_000;
  const alarms = shareOf('roll-back', rate, rate, runs);
  expect(alarms).toBeLessThanOrEqual(FALSE_ALARMS + noise(FALSE_ALARMS, runs));
});

test.each(RATES)('a version that is worse by the drop than one with %s rejected is seldom let through', (rate) => {
  const runs = 1_000;
  const missed = shareOf('promote', rate, rate + DROP_PERCENT / 100, runs);
  expect(missed).toBeLessThanOrEqual(MISSED_DROPS + noise(MISSED_DROPS, runs));
});

test.each([0.05, 0.1, 0.2])(
  'where the version before (%s rejected) gathers no more audits, luck alone is hardly more often taken for a drop',
  (rate) => {
    const runs = 1_000;
    expect(shareOf('roll-back', rate, rate, runs, 0)).toBeLessThanOrEqual(
      2 * FALSE_ALARMS + noise(2 * FALSE_ALARMS, runs),
    );
  },
);

test('a version that is no worse takes over, and a bad one goes', () => {
  expect(shareOf('promote', 0.05, 0.05, 300)).toBeGreaterThan(0.95);
  expect(shareOf('roll-back', 0.05, 0.3, 300)).toBeGreaterThan(0.98);
});

test('nothing is decided before both have enough audits', () => {
  const few = { accepted: LEAST_OLD_AUDITS - 1, rejected: 0 };
  expect(judgeCanary({ old: few, fresh: { accepted: 0, rejected: 100 } }).decision).toBe('keep');
  const old = { accepted: 10_000, rejected: 0 };
  expect(judgeCanary({ old, fresh: { accepted: LEAST_FRESH_AUDITS - 1, rejected: 0 } }).decision).toBe('keep');
  expect(judgeCanary({ old, fresh: { accepted: LEAST_FRESH_AUDITS, rejected: 0 } }).decision).toBe('promote');
  expect(judgeCanary({ old, fresh: { accepted: 0, rejected: 2 } }).decision).toBe('roll-back');
});

test('one more rejection never speaks for a version, one more acceptance never against it', () => {
  const count = fc.integer({ min: 0, max: 500 });
  const order = { 'roll-back': 0, keep: 1, promote: 2 } as const;
  fc.assert(
    fc.property(count, count, count, count, (accepted, rejected, oldAccepted, oldRejected) => {
      const old = { accepted: oldAccepted, rejected: oldRejected };
      const now = judgeCanary({ old, fresh: { accepted, rejected } });
      const worse = judgeCanary({ old, fresh: { accepted, rejected: rejected + 1 } });
      const better = judgeCanary({ old, fresh: { accepted: accepted + 1, rejected } });
      expect(worse.evidenceMilli).toBeGreaterThanOrEqual(now.evidenceMilli);
      expect(better.evidenceMilli).toBeLessThanOrEqual(now.evidenceMilli);
      expect(order[better.decision]).toBeGreaterThanOrEqual(order[now.decision]);
      expect(Number.isSafeInteger(now.evidenceMilli)).toBe(true);
    }),
  );
});
