import { gumbelNoiseAt, seedAt, TOP_K, TOP_K_TOLERANCE, topIds, type Sampling } from './sampling';

/**
 * How a token is chosen from raw logits, shared by the executor that generates and the validator that re-scores, so
 * that both apply the same rule to the same numbers.
 */
export interface DecisionRule {
  /**
   * A small model refuses when it is unsure: at the first position of an answer, when the most likely token's
   * probability is below `minProbability`, `firstTokenId` (the first token of the refusal) is chosen instead, whatever
   * the sampling.
   */
  readonly refusal?: { readonly firstTokenId: number; readonly minProbability: number };
  /** Absent: greedy. */
  readonly sampling?: Sampling;
}

/**
 * Two backends compute probabilities that differ in the sixth digit. Within this distance of the threshold either side of
 * it is honest, so the refusal and the token that the draw gives both pass there.
 */
export const REFUSAL_BAND = 1e-3;
/** What a token is off by when the rule forbids it whatever its logit: far beyond any tolerance. */
export const FORBIDDEN_MARGIN = 1e3;
const LEAST_LOG_PROBABILITY = -1e9;

interface Draw {
  /** What the draw gives, before the refusal rule. */
  readonly drawnId: number;
  /** Its logit with its noise: what every other token's is held against. */
  readonly drawnScore: number;
  /** A token's logit with its noise; null for one that does not take part. */
  readonly scoreOf: (id: number) => number | null;
}

interface Choice extends Draw {
  readonly chosenId: number;
  /** Probability of the most likely token at temperature 1. */
  readonly topProbability: number;
  /** log of the sum of exponentials, for probabilities at temperature 1. */
  readonly logSumExp: number;
}

function draw(sampling: Sampling | undefined, logits: Float32Array, position: number): Draw {
  if (sampling === undefined || sampling.temperature === 0) {
    let best = 0;
    for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
    return { drawnId: best, drawnScore: logits[best]!, scoreOf: (id) => logits[id] ?? null };
  }
  const noise = gumbelNoiseAt(seedAt(sampling, position), position);
  const { temperature } = sampling;
  const scoreOf = (id: number): number => logits[id]! + temperature * noise(id);
  const ids = topIds(logits, Math.min(TOP_K + TOP_K_TOLERANCE, logits.length));
  let drawnId = ids[0]!;
  let drawnScore = -Infinity;
  for (const id of ids.slice(0, TOP_K)) {
    const score = scoreOf(id);
    if (score > drawnScore) [drawnId, drawnScore] = [id, score];
  }
  const taking = new Set(ids);
  return { drawnId, drawnScore, scoreOf: (id) => (taking.has(id) ? scoreOf(id) : null) };
}

/** Ties go to the lowest id. `position` counts from 0 at the first token of the answer. */
export function decide({ refusal, sampling }: DecisionRule, logits: Float32Array, position: number): Choice {
  const drawn = draw(sampling, logits, position);
  let top = -Infinity;
  for (const logit of logits) if (logit > top) top = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  const topProbability = 1 / sum;
  const unsure = position === 0 && refusal !== undefined && topProbability < refusal.minProbability;
  return {
    ...drawn,
    chosenId: unsure ? refusal.firstTokenId : drawn.drawnId,
    topProbability,
    logSumExp: top + Math.log(sum),
  };
}

/** How the claimed token stands under the rule: see `ScoredPosition`. */
export function scoreClaim(
  rule: DecisionRule,
  logits: Float32Array,
  position: number,
  claimedId: number,
): { rank: number; logProbability: number; margin: number } {
  const { chosenId, drawnId, drawnScore, scoreOf, topProbability, logSumExp } = decide(rule, logits, position);
  const claimed = logits[claimedId] ?? -Infinity;
  const logProbability = Math.max(claimed - logSumExp, LEAST_LOG_PROBABILITY);
  const { refusal } = rule;
  const nearThreshold =
    position === 0 && refusal !== undefined && Math.abs(topProbability - refusal.minProbability) <= REFUSAL_BAND;
  if (claimedId === chosenId || (nearThreshold && (claimedId === drawnId || claimedId === refusal.firstTokenId))) {
    return { rank: 0, logProbability, margin: 0 };
  }
  let rank = 0;
  for (const logit of logits) if (logit > claimed) rank++;
  // Where the rule overrides the draw, logits say nothing about how wrong a token is: every other one is forbidden.
  const overridden = chosenId !== drawnId && !nearThreshold;
  const score = overridden ? null : scoreOf(claimedId);
  const margin = score === null ? FORBIDDEN_MARGIN : Math.min(Math.max(drawnScore - score, 0), FORBIDDEN_MARGIN);
  return { rank: Math.max(rank, 1), logProbability, margin };
}
