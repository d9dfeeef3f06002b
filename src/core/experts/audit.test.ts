import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import {
  auditRate,
  expectedGainOfCheating,
  isLookDue,
  LEAST_DETECTION,
  LEAST_RATE,
  LOOK_LIFE_MS,
  MOST_SAVED,
  NO_RECORD,
  noteLook,
  recordOutcome,
  SAFETY,
  shouldCheck,
  SURE_JOBS,
  SUSPICION_LIMIT,
  type AuditRecord,
  type CheckedOutcome,
} from './audit';
import { CAUTIOUS_LIMITS } from './validators/margin-test';
import { chanceToReach } from './validators/sequential-test';

const seen: CheckedOutcome = { verdict: 'accepted', outsideBranch: true };
const after = (outcomes: readonly CheckedOutcome[], from: AuditRecord = NO_RECORD) =>
  outcomes.reduce(recordOutcome, from);
const times = (count: number, outcome: CheckedOutcome) => Array.from({ length: count }, () => outcome);

const stakes = fc.double({ min: 0, max: 1e6, noNaN: true });
const prices = fc.double({ min: 1e-3, max: 1e4, noNaN: true });
const counts = fc.nat(100_000);
const property = { seed: 17, numRuns: 2_000 };

describe('how often a node is checked', () => {
  it('is always, until ten jobs counted', () => {
    for (let counted = 0; counted < SURE_JOBS; counted++) expect(auditRate({ counted, stake: 1e6, price: 1 })).toBe(1);
    expect(auditRate({ counted: SURE_JOBS, stake: 1e6, price: 1 })).toBe(0.1);
  });

  it('is always, while it has nothing to lose', () => {
    fc.assert(
      fc.property(counts, prices, (counted, price) => auditRate({ counted, stake: 0, price }) === 1),
      property,
    );
    expect(auditRate({ counted: 1_000, stake: 0, price: 0 })).toBe(1);
    expect(auditRate({ counted: 1_000, stake: Number.NaN, price: 1 })).toBe(1);
  });

  it('never rises with the jobs that counted, nor with the stake', () => {
    fc.assert(
      fc.property(counts, counts, stakes, stakes, prices, (counted, more, stake, added, price) => {
        const rate = auditRate({ counted, stake, price });
        expect(auditRate({ counted: counted + more, stake, price })).toBeLessThanOrEqual(rate);
        expect(auditRate({ counted, stake: stake + added, price })).toBeLessThanOrEqual(rate);
        expect(rate).toBeGreaterThanOrEqual(LEAST_RATE);
        expect(rate).toBeLessThanOrEqual(1);
      }),
      property,
    );
  });

  it('follows the stake', () => {
    const at = (stake: number) => auditRate({ counted: 10_000, stake, price: 1 });
    expect([1, 4, 9, 19, 49].map((stake) => Number(at(stake).toFixed(3)))).toEqual([0.889, 0.356, 0.178, 0.089, 0.05]);
  });
});

describe('cheating', () => {
  it('loses at every stake, price and record, when the check sees what it is built to see', () => {
    fc.assert(
      fc.property(counts, stakes, prices, (counted, stake, price) => {
        const rate = auditRate({ counted, stake, price });
        const gain = expectedGainOfCheating({ saved: MOST_SAVED, rate, detection: LEAST_DETECTION, stake, price });
        expect(gain).toBeLessThan(0);
      }),
      property,
    );
  });

  it('still loses when the check sees little more than half of that, wherever not everything is checked', () => {
    fc.assert(
      fc.property(counts, stakes, prices, (counted, stake, price) => {
        const rate = auditRate({ counted, stake, price });
        fc.pre(rate < 1);
        const detection = (LEAST_DETECTION / SAFETY) * 1.01;
        expect(expectedGainOfCheating({ saved: MOST_SAVED, rate, detection, stake, price })).toBeLessThan(0);
      }),
      property,
    );
  });

  it('pays when checks are rare and little is at stake', () => {
    const gain = expectedGainOfCheating({ saved: 0.8, rate: 0.1, detection: 0.95, stake: 1, price: 1 });
    expect(gain).toBeCloseTo(0.8 - 0.1 * 0.95 * 2, 12);
  });
});

describe('the record', () => {
  it('counts what strangers accepted, and nothing else', () => {
    expect(after(times(3, seen))).toEqual({ ...NO_RECORD, counted: 3 });
    expect(after(times(30, { ...seen, outsideBranch: false }))).toEqual(NO_RECORD);
    expect(after(times(3, { ...seen, verdict: 'undecided' }))).toEqual(NO_RECORD);
  });

  it('starts again with one failure, whoever saw it', () => {
    for (const outsideBranch of [true, false]) {
      const failed = after([...times(500, seen), { verdict: 'rejected', outsideBranch }]);
      expect(failed).toEqual({ ...NO_RECORD, failures: 1 });
      expect(auditRate({ ...failed, stake: 1e6, price: 1 })).toBe(1);
    }
  });

  it('gathers what single short answers do not show', () => {
    const short = { ...seen, evidence: { positions: 16, gross: 2, soft: 1 } };
    const records = [1, 2, 3, 4].map((count) => after(times(count, short)));
    expect(records.map(({ failures }) => failures)).toEqual([0, 0, 1, 1]);
    expect(records[1]!.suspicion).toBe(2 * (42 + 5 - 13));
    expect(records[2]).toEqual({ ...NO_RECORD, failures: 1 });
    expect(records[3]!.counted).toBe(1);
  });

  it('forgets a few misses over good answers, but not by the word of its own branch', () => {
    const miss = { ...seen, evidence: { positions: 16, gross: 2, soft: 1 } };
    const clean = { ...seen, evidence: { positions: 256, gross: 0, soft: 0 } };
    expect(after([miss, miss, clean, miss, miss]).failures).toBe(0);
    expect(after([miss, miss, { ...clean, outsideBranch: false }, miss]).failures).toBe(1);
  });

  it('holds nothing against the worst honest device within a million answers', () => {
    expect(chanceToReach(SUSPICION_LIMIT, 256, CAUTIOUS_LIMITS)).toBeLessThan(1e-6);
  });
});

describe('whether a node has to be looked at', () => {
  const at = 1_800_000_000_000;

  it('it has, until somebody looked, and again a week later', () => {
    expect(isLookDue(NO_RECORD, at)).toBe(true);
    const looked = noteLook(after(times(3, seen)), at);
    expect(looked.counted).toBe(3);
    expect([at, at + LOOK_LIFE_MS - 1, at + LOOK_LIFE_MS].map((now) => isLookDue(looked, now))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('it has when the clock went back, and a failure alone is no reason', () => {
    expect(isLookDue(noteLook(NO_RECORD, at), at - 1)).toBe(true);
    expect(isLookDue(after([{ verdict: 'rejected', outsideBranch: true }], noteLook(NO_RECORD, at)), at)).toBe(false);
  });
});

describe('whether a job is checked', () => {
  it('follows the rate', () => {
    const chance = createSeededChance(17);
    const record = { ...NO_RECORD, counted: 1_000 };
    const draws = 20_000;
    const rate = auditRate({ ...record, stake: 9, price: 1 });
    let checked = 0;
    for (let draw = 0; draw < draws; draw++) if (shouldCheck(record, { stake: 9, price: 1 }, chance)) checked++;
    expect(Math.abs(checked / draws - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / draws));
  });

  it('is beyond doubt when everything is', () => {
    const highest = { bytes: (count: number) => new Uint8Array(count).fill(255) };
    expect(shouldCheck(NO_RECORD, { stake: 1e6, price: 1 }, highest)).toBe(true);
    expect(shouldCheck({ ...NO_RECORD, counted: 50 }, { stake: 0, price: 1 }, highest)).toBe(true);
    expect(shouldCheck({ ...NO_RECORD, counted: 50 }, { stake: 100, price: 1 }, highest)).toBe(false);
  });
});
