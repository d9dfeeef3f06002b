import type { NodeId } from '../../base/ids';
import type { ExpertCard } from '../expert-card';
import type { AdmissionGate, AdmissionInput, Finding } from './gate';
import type { Verification } from './verification';

/** One voice may be bought or wrong. */
export const LEAST_VERIFIERS = 2;
/** Three of five, as wherever several judge. */
export const QUORUM_PERCENT = 60;
/** A verifier's score may differ by this much, in points: other backends round otherwise. More, and one of both is wrong. */
export const MOST_APART_PERCENT = 5;

/** Whether a verifier found what the card claims; null when they have no set in common. */
function bearsOut(card: ExpertCard, { passed, scores }: Verification): boolean | null {
  const shared = card.scores.flatMap((claimed) => {
    const found = scores.find(({ digest }) => digest === claimed.digest);
    return found === undefined ? [] : [{ claimed, found }];
  });
  if (shared.length === 0) return null;
  const near = shared.every(
    ({ claimed, found }) =>
      Math.abs(claimed.right * found.of - found.right * claimed.of) * 100 <= MOST_APART_PERCENT * claimed.of * found.of,
  );
  return passed && near;
}

/**
 * What independent persons found about exactly these weights: never the author, nobody related to the author, and one voice for
 * verifiers that are related to each other, which is an objection as soon as one of them objects.
 */
export function independentVoices({
  card,
  verifications,
  related,
}: Pick<AdmissionInput, 'card' | 'verifications' | 'related'>): readonly { agrees: boolean }[] {
  const voices: { nodes: NodeId[]; agrees: boolean }[] = [];
  for (const one of verifications) {
    if (one.modelHash !== card.modelHash || one.expert !== card.expert || one.version !== card.version) continue;
    if (one.verifier === card.author || related(one.verifier, card.author)) continue;
    const agrees = bearsOut(card, one);
    if (agrees === null) continue;
    const kin = voices.filter(({ nodes }) =>
      nodes.some((node) => node === one.verifier || related(node, one.verifier)),
    );
    const voice = {
      nodes: [one.verifier, ...kin.flatMap(({ nodes }) => nodes)],
      agrees: agrees && kin.every((known) => known.agrees),
    };
    for (const known of kin) voices.splice(voices.indexOf(known), 1);
    voices.push(voice);
  }
  return voices;
}

/** Who made or offers an expert does not vouch for it. */
export const verifiersAgree: AdmissionGate = {
  name: 'verifiers-agree',
  label: 'Others found the same',
  demand: `At least ${LEAST_VERIFIERS} people who have nothing to do with the author evaluated it and came to the same within ${MOST_APART_PERCENT} points, and ${QUORUM_PERCENT} % of all who did.`,
  judge(input): Finding {
    const voices = independentVoices(input);
    const agree = voices.filter(({ agrees }) => agrees).length;
    const of = voices.length;
    return {
      passed: agree >= LEAST_VERIFIERS && agree * 100 >= QUORUM_PERCENT * of,
      figures: { agree, of, least: LEAST_VERIFIERS, quorumPercent: QUORUM_PERCENT },
      sentence:
        of === 0
          ? 'Nobody independent of the author has evaluated it yet.'
          : `${agree} of ${of} independent people came to the same; ${LEAST_VERIFIERS} are needed.`,
    };
  },
};
