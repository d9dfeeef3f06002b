import {
  CAUTIOUS_LIMITS,
  FALSE_REJECTIONS,
  GROSS_MARGIN,
  missOf,
  oncePerCount,
  type MarginLimits,
  type MarginScore,
} from './margin-test';

/**
 * The test for margins that come one by one. Its steps are the log-likelihood ratios of a liar's tokens (0.055 soft, 0.134
 * gross) against those of the worst honest device (0.02, 0.002) in fifths of a nat: 4.2, 1.0 and −0.19. The sum never falls
 * below 0 (Page's form of Wald's test), so that a lie that begins late is seen as soon as one that begins at once.
 */
export const GROSS_STEP = 21;
export const SOFT_STEP = 5;
export const OK_STEP = -1;

/** What several tokens add to the suspicion against whoever wrote them. */
export const suspicionOf = ({
  positions,
  gross,
  soft,
}: {
  readonly positions: number;
  readonly gross: number;
  readonly soft: number;
}): number => GROSS_STEP * gross + SOFT_STEP * soft + OK_STEP * (positions - gross - soft);

export interface SequentialState {
  /** `undecided`: a margin was not a number, so this device computes wrongly itself. */
  readonly decision: 'open' | 'accepted' | 'rejected' | 'undecided';
  readonly looked: number;
  readonly gross: number;
  readonly soft: number;
  /** Sum of the margins, each cut at 0.5. */
  readonly clippedSum: number;
  /** The largest margin. */
  readonly worst: number;
  readonly fault: 'enormous' | 'too_many' | null;
}

export interface SequentialTest {
  /** The next margin, in ascending order of position. After a decision the state stays as it is. */
  push(score: MarginScore): SequentialState;
}

/**
 * A test over `count` margins (the positions of a plan). It rejects as soon as the suspicion reaches its limit or one miss is
 * enormous, and accepts at the cap, which is the last of the `count`: an earlier yes, as Wald's test gives it after about 25
 * good tokens, says nothing about the tokens that come later. Honest answers are rejected with at most `FALSE_REJECTIONS`.
 */
export function createSequentialTest(count: number, limits: MarginLimits = CAUTIOUS_LIMITS): SequentialTest {
  const limit = suspicionLimit(count, limits);
  let suspicion = 0;
  let state: SequentialState = {
    decision: 'open',
    looked: 0,
    gross: 0,
    soft: 0,
    clippedSum: 0,
    worst: 0,
    fault: null,
  };
  return {
    push(score) {
      if (state.decision !== 'open') return state;
      const miss = missOf(score, limits);
      const looked = state.looked + 1;
      if (miss === 'broken') return (state = { ...state, looked, decision: 'undecided' });
      const [gross, soft] = [miss === 'gross' || miss === 'enormous' ? 1 : 0, miss === 'soft' ? 1 : 0];
      suspicion = Math.max(0, suspicion + suspicionOf({ positions: 1, gross, soft }));
      const fault = miss === 'enormous' ? 'enormous' : suspicion >= limit ? 'too_many' : null;
      state = {
        decision: fault !== null ? 'rejected' : looked === count ? 'accepted' : 'open',
        looked,
        gross: state.gross + gross,
        soft: state.soft + soft,
        clippedSum: state.clippedSum + Math.min(score.margin, GROSS_MARGIN),
        worst: Math.max(state.worst, score.margin),
        fault,
      };
      return state;
    },
  };
}

/** The least limit that an honest answer of `count` tokens reaches with a probability of at most `FALSE_REJECTIONS`. */
export const suspicionLimit = oncePerCount((count, limits): number => {
  let limit = 1;
  while (chanceToReach(limit, count, limits) > FALSE_REJECTIONS) limit++;
  return limit;
});

/** The exact probability that the suspicion of an honest answer reaches `limit` within `count` tokens. */
export function chanceToReach(limit: number, count: number, { honestGross, honestSoft }: MarginLimits): number {
  const steps = [
    [OK_STEP, 1 - honestGross - honestSoft],
    [SOFT_STEP, honestSoft],
    [GROSS_STEP, honestGross],
  ] as const;
  let chances = new Float64Array(limit);
  chances[0] = 1;
  let reached = 0;
  for (let looked = 0; looked < count; looked++) {
    const next = new Float64Array(limit);
    for (let suspicion = 0; suspicion < limit; suspicion++) {
      for (const [step, share] of steps) {
        const to = Math.max(0, suspicion + step);
        if (to >= limit) reached += chances[suspicion]! * share;
        else next[to]! += chances[suspicion]! * share;
      }
    }
    chances = next;
  }
  return reached;
}
