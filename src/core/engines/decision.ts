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

export interface LogitSummary {
  readonly chosenId: number;
  /** log of the sum of exponentials, for probabilities at temperature 1. */
  readonly logSumExp: number;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** Ties go to the lowest id. `position` counts from 0 at the first token of the answer. */
export function decide(rule: DecisionRule, logits: Float32Array, position: number): LogitSummary {
  const best = argmax(logits);
  const top = logits[best]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  const unsure = position === 0 && rule.refusal !== undefined && 1 / sum < rule.refusal.minProbability;
  return { chosenId: unsure ? rule.refusal!.firstTokenId : best, logSumExp: top + Math.log(sum) };
}

/** How the claimed token stands under the rule: see `ScoredPosition`. */
export function scoreClaim(
  rule: DecisionRule,
  logits: Float32Array,
  position: number,
  claimedId: number,
): { rank: number; logProbability: number; margin: number } {
  const { chosenId, logSumExp } = decide(rule, logits, position);
  const claimed = logits[claimedId] ?? -Infinity;
  if (claimedId === chosenId) return { rank: 0, logProbability: claimed - logSumExp, margin: 0 };
  let rank = 0;
  for (const logit of logits) if (logit > claimed) rank++;
  return {
    rank: Math.max(rank, 1),
    logProbability: Math.max(claimed - logSumExp, -1e9),
    margin: Math.min(Math.max(logits[chosenId]! - claimed, 0), 1e9),
  };
}
