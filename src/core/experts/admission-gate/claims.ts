import type { ExpertCard } from '../expert-card';
import type { AdmissionInput, Measured } from './gate';
import { behaviourSimilarity } from './no-near-duplicate';

const milliOf = (part: number, whole: number): number => Math.round((part * 1_000) / whole);

/**
 * What a card says of an expert beyond its scores, from the same records that the gates judge: gains against the version
 * before, likeness to other experts, answers that odd strings changed. A claim; others find out by evaluating it themselves.
 */
export function claimsOf(
  expert: string,
  measured: Pick<Measured, 'target' | 'general' | 'triggers'>,
  { known, incumbent }: Pick<AdmissionInput, 'known' | 'incumbent'>,
): Required<Pick<ExpertCard, 'gains' | 'risks'>> {
  const gains = (['target', 'general'] as const).flatMap((part) => {
    const [now, before] = [measured[part], incumbent?.[part]];
    if (before === undefined || before.digest !== now.digest) return [];
    const milli = milliOf(now.right, now.items.length) - milliOf(before.right, before.items.length);
    return [{ set: now.set, against: before.modelHash, milli }];
  });
  const likeness = known
    .filter((other) => other.expert !== expert)
    .map((other) => behaviourSimilarity(measured, other))
    .filter((one) => one !== null);
  const { probes } = measured.triggers;
  const changed = probes.filter(({ outcome }) => outcome === 'other').length;
  return {
    gains,
    risks: {
      duplicateMilli: likeness.length === 0 ? null : milliOf(Math.max(...likeness), 1),
      backdoorMilli: probes.length === 0 ? null : milliOf(changed, probes.length),
    },
  };
}
