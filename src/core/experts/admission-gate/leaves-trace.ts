import type { AdmissionGate, Finding } from './gate';

/** Fewer tokens prove little about a record. */
export const LEAST_POSITIONS = 64;
/** Healthy devices of one engine and backend agree on this much (350 public browser runs). */
export const LEAST_AGREEMENT_PERCENT = 98;
/** A token that is off by half a logit is no rounding: one by bad luck, or 5 in 1,000. */
export const MOST_GROSS = 1;
export const MOST_GROSS_MILLE = 5;

/** What the card says of the evaluation can be read again, token by token, by whoever has the model. */
export const leavesTrace: AdmissionGate = {
  name: 'leaves-trace',
  label: 'Can be read again',
  demand: `The card names the record of its evaluation, and ${LEAST_AGREEMENT_PERCENT} % of the recorded tokens that are read again are what the model gives.`,
  judge({ card, measured: { target, general, replay } }): Finding {
    const { items, positions, agreeing, gross } = replay;
    const figures = { items, positions, agreeing, gross };
    const named = [target, general].every(({ set, digest, right, items: answered, trace }) => {
      const score = card.scores.find((one) => one.set === set);
      return score?.digest === digest && score.trace === trace && score.right === right && score.of === answered.length;
    });
    if (!named) return { passed: false, figures, sentence: 'The card names another record than the one that is here.' };
    if (target.modelHash !== card.modelHash || general.modelHash !== card.modelHash) {
      return { passed: false, figures, sentence: 'The record is of another model.' };
    }
    if (replay.trace !== target.trace) return { passed: false, figures, sentence: 'The record was changed.' };
    return {
      passed:
        positions >= LEAST_POSITIONS &&
        agreeing * 100 >= LEAST_AGREEMENT_PERCENT * positions &&
        gross <= Math.max(MOST_GROSS, (MOST_GROSS_MILLE * positions) / 1_000),
      figures,
      sentence: `${items} recorded answers were read again: ${agreeing} of ${positions} tokens are what the model gives.`,
    };
  },
};
