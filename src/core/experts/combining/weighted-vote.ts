/** One answer among several to a question with few possible ones, normalised so that equal answers are equal texts. */
export interface Vote {
  readonly choice: string;
  /** How much it counts, above 0: see `voteWeight`. */
  readonly weight: number;
}

export interface VoteState {
  /** What leads: the choice with the most weight, the first named among equals; null without votes. */
  readonly choice: string | null;
  /** Part of the weight cast that stands behind it, 0 to 1. */
  readonly share: number;
  /** How sure that it is the right one, taking each vote as independent evidence: 0 to 1. */
  readonly confidence: number;
  /** `won`: nothing that can still come changes it, or it is sure enough. `open`: ask on. `tied`: all came, and no choice leads. */
  readonly outcome: 'won' | 'open' | 'tied';
}

export interface VoteRules {
  /** Votes that can still come. */
  readonly remaining: number;
  /** The most that any of them can weigh. */
  readonly maxWeight: number;
  /** Stop when the leading choice is this sure; 1 waits until nothing can change. */
  readonly enough: number;
}

/** Stop here: of a hundred questions ended like this some five would have changed. */
export const ENOUGH = 0.95;
/** Asked at most this often: more votes of small models repeat each other's mistakes. */
export const MAX_VOTES = 8;

/** Nobody is taken to be surer than this, or to be worse than a coin: one voice must not decide alone for good. */
const [LEAST_ACCURACY, MOST_ACCURACY] = [0.55, 0.98];
const [LEAST_CONFIDENCE, MOST_CONFIDENCE] = [0.1, 1];
const clamp = (value: number, [least, most]: readonly [number, number]): number =>
  Math.min(most, Math.max(least, Number.isFinite(value) ? value : least));

/**
 * What a vote counts: log-odds of its voter's accuracy on such questions, times how sure the model was of this answer (the mean
 * probability of its tokens). Weighted majorities by log-odds are the best that independent votes allow.
 */
export function voteWeight(accuracy: number, confidence: number): number {
  const right = clamp(accuracy, [LEAST_ACCURACY, MOST_ACCURACY]);
  return Math.log(right / (1 - right)) * clamp(confidence, [LEAST_CONFIDENCE, MOST_CONFIDENCE]);
}

/** The most that one vote can count. */
export const MAX_VOTE_WEIGHT = voteWeight(1, 1);

/** Where a vote stands, and whether to wait for more. The order of votes decides between equals only. */
export function countVotes(votes: readonly Vote[], { remaining, maxWeight, enough }: VoteRules): VoteState {
  const weightByChoice = new Map<string, number>();
  for (const { choice, weight } of votes)
    weightByChoice.set(choice, (weightByChoice.get(choice) ?? 0) + Math.min(weight, maxWeight));
  const ranked = [...weightByChoice].sort(([, a], [, b]) => b - a);
  const [leader, second] = ranked;
  if (leader === undefined) return { choice: null, share: 0, confidence: 0, outcome: remaining > 0 ? 'open' : 'tied' };
  const [choice, weight] = leader;
  const rival = second?.[1] ?? 0;
  const cast = ranked.reduce((sum, [, each]) => sum + each, 0);
  // Each choice as likely as the evidence for it, one that nobody named yet among them.
  const evidence = ranked.reduce((sum, [, each]) => sum + Math.exp(each - weight), Math.exp(-weight));
  const state = { choice, share: weight / cast, confidence: 1 / evidence };
  if (remaining > 0) {
    const settled = weight - rival > remaining * maxWeight || (votes.length > 1 && state.confidence >= enough);
    return { ...state, outcome: settled ? 'won' : 'open' };
  }
  return { ...state, outcome: weight > rival ? 'won' : 'tied' };
}
