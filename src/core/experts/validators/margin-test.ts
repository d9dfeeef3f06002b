import { FORBIDDEN_MARGIN } from '../../engines/decision';
import type { ScoredPosition } from '../../engines/language-model';
import { TOP_K } from '../../engines/sampling';
import type { PositionPlan } from './positions';

/**
 * Whether the margins of an answer are what rounding leaves, or another model's, another seed's or a forger's tokens. Formulas,
 * reasons and measured rates: docs/spec/checking.md.
 */

/** Above this a token missed a little: two honest backends whose logits differ by 0.05 stay within it. */
export const SOFT_MARGIN = 0.1;
/** Above this it missed grossly, and margins are cut here before they are summed (Token-DiFR, arXiv 2511.20621). */
export const GROSS_MARGIN = 0.5;
/**
 * What a miss weighs: the logarithms of how much likelier it is for a liar (0.134 gross, 0.055 soft per token) than for the
 * worst honest device (0.002, 0.02), 4.2 and 1.0, in the whole numbers that lose least power.
 */
export const GROSS_POINTS = 5;
export const SOFT_POINTS = 1;
/** Honest answers that may be rejected, at the honest rates of the limits. */
export const FALSE_REJECTIONS = 1e-4;
/** From this many positions on an eighth of them is enough to be counted alone. */
const LEAST_WINDOWED = 64;
/**
 * A token that ended just outside the draw may have been pushed over its edge: logits lie close there (about 0.04
 * apart), but to come from rank 64 to rank 128 one must move by 1.8.
 */
const EDGE_RANK = 2 * TOP_K;

/** What honest devices of one class do at worst. Thresholds follow from these by `pointLimit`. */
export interface MarginLimits {
  /** Shares of honest tokens that miss grossly and a little. */
  readonly honestGross: number;
  readonly honestSoft: number;
  /** A single margin above this rejects: a margin is at most twice the largest error of a logit. */
  readonly enormous: number;
}

/**
 * For devices that nobody measured. The rates are the published pessimistic ones (0.2 % gross; soft ten times that). Above 5,
 * a logit is wrong by 2.5 or more: fifty times what we measured between two backends, and no rounding.
 */
export const CAUTIOUS_LIMITS: MarginLimits = { honestGross: 0.002, honestSoft: 0.02, enormous: 5 };
/**
 * For a pair of device classes whose logits were measured to differ by at most 0.05: margins stay within 0.1, so a single one
 * above 0.5 is five times what happens.
 */
export const MEASURED_LIMITS: MarginLimits = { honestGross: 1e-5, honestSoft: 1e-3, enormous: GROSS_MARGIN };

export type MarginScore = Pick<ScoredPosition, 'rank' | 'margin'>;

export type Miss = 'none' | 'soft' | 'gross' | 'enormous' | 'broken';

/** How a token missed; `broken` when the number says nothing (not finite: this device computes wrongly itself). */
export function missOf({ rank, margin }: MarginScore, { enormous }: MarginLimits): Miss {
  if (!Number.isFinite(margin)) return 'broken';
  if (margin > enormous) {
    const atTheEdge = margin === FORBIDDEN_MARGIN && rank >= TOP_K && rank < EDGE_RANK;
    return atTheEdge ? 'gross' : 'enormous';
  }
  if (margin > GROSS_MARGIN) return 'gross';
  return margin > SOFT_MARGIN ? 'soft' : 'none';
}

export interface MarginJudgement {
  /**
   * `open`: the first positions leave a doubt and not all of the plan's extended ones were scored; score them and judge
   * again. `undecided`: a position is missing or its margin is not a number, or there is nothing to look at.
   */
  readonly decision: 'accepted' | 'rejected' | 'open' | 'undecided';
  readonly stage: 1 | 2;
  /** Those looked at, ascending. */
  readonly positions: readonly number[];
  /** Misses above 0.5, the enormous ones included, and those from 0.1 to 0.5. */
  readonly gross: number;
  readonly soft: number;
  /** Sum of the margins, each cut at 0.5. */
  readonly clippedSum: number;
  /** The largest margin. */
  readonly worst: number;
  /** Why it was rejected: one margin that no rounding makes, or more misses than honest devices have. */
  readonly fault: 'enormous' | 'too_many' | null;
}

/**
 * Judges an answer by its margins. `scores` is indexed by position (what `LanguageModel.score` gives) and may lack
 * positions that the plan does not look at. Looks at the plan's first positions: an enormous miss rejects, and so do too many;
 * when that is all there is to look at, or none missed at all, the answer is accepted; else the extended ones decide.
 * Honest answers are rejected with at most `FALSE_REJECTIONS`, whatever their length.
 */
export function judgeMargins(
  scores: readonly (MarginScore | undefined)[],
  { first, extended }: PositionPlan,
  limits: MarginLimits = CAUTIOUS_LIMITS,
): MarginJudgement {
  const one = lookAt(scores, first, 1, limits);
  if (one.broken || first.length === 0) return { ...one.figures, decision: 'undecided', fault: null };
  if (one.enormous) return { ...one.figures, decision: 'rejected', fault: 'enormous' };
  // What is not looked at counts nothing, so this rejects only what the extended positions would reject too.
  if (tooMany(extended, one.pointsAt, limits)) return { ...one.figures, decision: 'rejected', fault: 'too_many' };
  if (first.length === extended.length || one.figures.gross + one.figures.soft === 0) {
    return { ...one.figures, decision: 'accepted', fault: null };
  }
  if (extended.some((position) => scores[position] === undefined)) {
    return { ...one.figures, decision: 'open', fault: null };
  }
  const two = lookAt(scores, extended, 2, limits);
  if (two.broken) return { ...two.figures, decision: 'undecided', fault: null };
  if (two.enormous) return { ...two.figures, decision: 'rejected', fault: 'enormous' };
  return tooMany(extended, two.pointsAt, limits)
    ? { ...two.figures, decision: 'rejected', fault: 'too_many' }
    : { ...two.figures, decision: 'accepted', fault: null };
}

interface Look {
  readonly figures: Omit<MarginJudgement, 'decision' | 'fault'>;
  readonly broken: boolean;
  readonly enormous: boolean;
  /** Points by position; those without any are left out. */
  readonly pointsAt: ReadonlyMap<number, number>;
}

function lookAt(
  scores: readonly (MarginScore | undefined)[],
  positions: readonly number[],
  stage: 1 | 2,
  limits: MarginLimits,
): Look {
  let [gross, soft, clippedSum, worst] = [0, 0, 0, 0];
  let [broken, enormous] = [false, false];
  const pointsAt = new Map<number, number>();
  for (const position of positions) {
    const score = scores[position];
    const miss = score === undefined ? 'broken' : missOf(score, limits);
    if (score === undefined || miss === 'broken') {
      broken = true;
      continue;
    }
    clippedSum += Math.min(score.margin, GROSS_MARGIN);
    worst = Math.max(worst, score.margin);
    if (miss === 'none') continue;
    if (miss === 'soft') soft++;
    else gross++;
    if (miss === 'enormous') enormous = true;
    pointsAt.set(position, miss === 'soft' ? SOFT_POINTS : GROSS_POINTS);
  }
  return { figures: { stage, positions, gross, soft, clippedSum, worst }, broken, enormous, pointsAt };
}

/** A part of the looked-at positions that is counted alone: from an index up to another, and how many points are too many. */
export interface Window {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

/**
 * The parts that are counted when `count` positions are looked at: all of them, the four quarters, and the three that lie
 * across their borders, so that a liar gains nothing by cheating at one place. The permitted false rejections are shared among
 * them equally: that honest answers stay below is the union bound, for any order and dependence of the parts.
 */
export const windowsOf = oncePerCount((count, limits): readonly Window[] => {
  const eighths = count < LEAST_WINDOWED ? [] : [0, 1, 2, 3, 4, 5, 6];
  const spans = [[0, 8], ...eighths.map((eighth) => [eighth, eighth + 2])].map(
    ([from, to]) => [Math.floor((from! * count) / 8), Math.floor((to! * count) / 8)] as const,
  );
  const limitsBySize = new Map<number, number>();
  return spans.map(([from, to]) => {
    const size = to - from;
    const limit = limitsBySize.get(size) ?? pointLimit(size, FALSE_REJECTIONS / spans.length, limits);
    limitsBySize.set(size, limit);
    return { from, to, limit };
  });
});

/** The same answer for the same question: thresholds take milliseconds to compute, and lengths and limits repeat. */
export function oncePerCount<T>(
  compute: (count: number, limits: MarginLimits) => T,
): (count: number, limits: MarginLimits) => T {
  const known = new WeakMap<MarginLimits, Map<number, T>>();
  return (count, limits) => {
    const byCount = known.get(limits) ?? new Map<number, T>();
    known.set(limits, byCount);
    const found = byCount.get(count) ?? compute(count, limits);
    byCount.set(count, found);
    return found;
  };
}

function tooMany(positions: readonly number[], pointsAt: ReadonlyMap<number, number>, limits: MarginLimits): boolean {
  if (pointsAt.size === 0) return false;
  const pointsBefore = [0];
  for (const position of positions) pointsBefore.push(pointsBefore.at(-1)! + (pointsAt.get(position) ?? 0));
  return windowsOf(positions.length, limits).some(
    ({ from, to, limit }) => pointsBefore[to]! - pointsBefore[from]! >= limit,
  );
}

/**
 * The least number of points that an honest answer reaches on `count` positions with a probability of at most `mostOften`,
 * exactly: every position is gross, soft or neither, independently. Sums and products only, so it is the same on every device.
 */
export function pointLimit(count: number, mostOften: number, { honestGross, honestSoft }: MarginLimits): number {
  const most = GROSS_POINTS * count;
  const none = 1 - honestGross - honestSoft;
  let chances = new Float64Array(most + 1);
  chances[0] = 1;
  for (let looked = 0; looked < count; looked++) {
    const next = new Float64Array(most + 1);
    for (let points = 0; points <= GROSS_POINTS * looked; points++) {
      const chance = chances[points]!;
      // What is this unlikely does not show in the sum.
      if (chance < 1e-18) continue;
      next[points]! += chance * none;
      next[points + SOFT_POINTS]! += chance * honestSoft;
      next[points + GROSS_POINTS]! += chance * honestGross;
    }
    chances = next;
  }
  let beyond = 0;
  for (let points = most; points > 0; points--) {
    beyond += chances[points]!;
    if (beyond > mostOften) return points + 1;
  }
  return 1;
}
