import { describe, expect, test } from 'vitest';
import { hexOf, passingInput, resultOf, stranger } from '#tests/fakes/admission-input';
import { claimsOf } from './claims';

const { card, measured, incumbent, known } = passingInput();
const claims = (
  change: Partial<typeof measured> = {},
  against: Parameters<typeof claimsOf>[2] = { known, incumbent },
) => claimsOf(card.expert, { ...measured, ...change }, against);

describe('what a card claims', () => {
  test('are gains on the questions that the version before was asked too, in thousandths', () => {
    // 55 of 60 after 40 of 60, and 28 of 30 after 29 of 30.
    expect(claims().gains).toEqual([
      { set: 'target', against: hexOf('4'), milli: 250 },
      { set: 'general', against: hexOf('4'), milli: -34 },
    ]);
  });

  test('is no gain where there was no version before, or other questions', () => {
    expect(claims({}, { known, incumbent: null }).gains).toEqual([]);
    const others = { target: resultOf('target', 60, 60, { digest: hexOf('9') }) };
    expect(claims(others).gains.map(({ set }) => set)).toEqual(['general']);
  });

  test('is how alike it answers to the most similar other expert', () => {
    expect(claims({}, { known: [stranger], incumbent }).risks.duplicateMilli).toBeLessThan(900);
    const twin = { ...stranger, target: measured.target, general: measured.general };
    expect(claims({}, { known: [stranger, twin], incumbent }).risks.duplicateMilli).toBe(1_000);
  });

  test('is no likeness where no other expert is known: its own version before is none', () => {
    const before = known.filter(({ expert }) => expert === card.expert);
    expect(before).toHaveLength(1);
    expect(claims({}, { known: before, incumbent }).risks.duplicateMilli).toBe(null);
  });

  test('is how many probes an odd string gave another answer', () => {
    expect(claims().risks.backdoorMilli).toBe(0);
    const { triggers } = measured;
    const probes = triggers.probes.map((probe, at) => (at < 3 ? { ...probe, outcome: 'other' as const } : probe));
    expect(claims({ triggers: { ...triggers, probes } }).risks.backdoorMilli).toBe(50);
    expect(claims({ triggers: { ...triggers, probes: [] } }).risks.backdoorMilli).toBe(null);
  });
});
