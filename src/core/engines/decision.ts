/**
 * How a token is chosen from raw logits, shared by the executor that generates and the validator that re-scores, so
 * that both apply the same rule to the same numbers.
 */
export interface DecisionRule {
  /**
   * A small model refuses when it is unsure: at the first position of an answer, when the most likely token's
   * probability is below `minProbability`, `firstTokenId` (the first token of the refusal) is chosen instead.
   */
  readonly refusal?: { readonly firstTokenId: number; readonly minProbability: number };
}

/**
 * Two backends compute probabilities that differ in the sixth digit. Within this distance of the threshold either side of
 * it is honest, so the refusal and the most likely token both pass there.
 */
export const REFUSAL_BAND = 1e-3;
/** What a token is off by when the rule forbids it whatever its logit: far beyond any tolerance. */
export const FORBIDDEN_MARGIN = 1e3;

interface Choice {
  readonly chosenId: number;
  readonly bestId: number;
  /** Probability of the most likely token at temperature 1. */
  readonly topProbability: number;
  /** log of the sum of exponentials, for probabilities at temperature 1. */
  readonly logSumExp: number;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** Ties go to the lowest id. `position` counts from 0 at the first token of the answer. */
export function decide(rule: DecisionRule, logits: Float32Array, position: number): Choice {
  const bestId = argmax(logits);
  const top = logits[bestId]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  const topProbability = 1 / sum;
  const { refusal } = rule;
  const unsure = position === 0 && refusal !== undefined && topProbability < refusal.minProbability;
  return { chosenId: unsure ? refusal.firstTokenId : bestId, bestId, topProbability, logSumExp: top + Math.log(sum) };
}

/** How the claimed token stands under the rule: see `ScoredPosition`. */
export function scoreClaim(
  rule: DecisionRule,
  logits: Float32Array,
  position: number,
  claimedId: number,
): { rank: number; logProbability: number; margin: number } {
  const { chosenId, bestId, topProbability, logSumExp } = decide(rule, logits, position);
  const claimed = logits[claimedId] ?? -Infinity;
  const logProbability = Math.max(claimed - logSumExp, -1e9);
  const { refusal } = rule;
  const nearThreshold =
    position === 0 && refusal !== undefined && Math.abs(topProbability - refusal.minProbability) <= REFUSAL_BAND;
  if (claimedId === chosenId || (nearThreshold && (claimedId === bestId || claimedId === refusal.firstTokenId))) {
    return { rank: 0, logProbability, margin: 0 };
  }
  let rank = 0;
  for (const logit of logits) if (logit > claimed) rank++;
  // Where the rule overrides the logits they say nothing about how wrong a token is: every other one is forbidden.
  const overridden = chosenId !== bestId && !nearThreshold;
  const margin = overridden ? FORBIDDEN_MARGIN : Math.min(Math.max(logits[bestId]! - claimed, 0), 1e9);
  return { rank: Math.max(rank, 1), logProbability, margin };
}
