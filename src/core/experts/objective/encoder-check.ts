import type { Embedding } from '../../engines/embedding-model';
import type { Relevance } from '../../engines/rerank-model';
import { cosineOf, vectorOfBytes } from '../../engines/vector-bytes';

/**
 * The least cosine between two honest devices' vectors of one text. Measured: on one engine the same bits, whatever came with
 * the text; on WebGPU and in PyTorch 1 less 10⁻¹³; for a text that lost one of its eleven words 0.9985
 * (docs/spec/objective-checks.md).
 */
export const MIN_COSINE = 0.9999;
/** How far two honest devices' relevances may lie apart, in thousandths. Measured: 0.0005, which may round to one; and one beside it. */
export const SCORE_TOLERANCE_MILLI = 2;
/** Passages whose log-odds are closer than this may stand in either order. */
const ORDER_TOLERANCE = 0.01;

/** Vectors as they are claimed. */
export interface ClaimedVector {
  readonly vector: Uint8Array;
  readonly truncated: boolean;
}

/** True when claimed vectors are those found, text by text. */
export const vectorsAgree = (claimed: readonly ClaimedVector[], found: readonly Embedding[]): boolean =>
  claimed.length === found.length &&
  claimed.every(
    ({ vector, truncated }, at) =>
      truncated === found[at]!.truncated && cosineOf(vectorOfBytes(vector), found[at]!.vector) >= MIN_COSINE,
  );

/** A ranking as it is claimed; `order` and `truncated` are places in the list of passages. */
export interface ClaimedRanking {
  readonly scoresMilli: readonly number[];
  readonly order: readonly number[];
  readonly truncated: readonly number[];
}

export const scoreMilli = (score: number): number => Math.round(score * 1_000);

/** The ranking that a model's relevances give; passages of equal relevance stay in the order in which they came. */
export const rankingOf = (found: readonly Relevance[]): { [Part in keyof ClaimedRanking]: number[] } => ({
  scoresMilli: found.map(({ score }) => scoreMilli(score)),
  order: found.map((_, at) => at).toSorted((a, b) => found[b]!.score - found[a]!.score || a - b),
  truncated: found.flatMap(({ truncated }, at) => (truncated ? [at] : [])),
});

/** How the odds of a relevance grow: what the model itself gives, before it is squeezed between 0 and 1. */
const logOdds = (score: number): number => Math.log(score) - Math.log1p(-score);

/** True when a claimed ranking is the one found: its scores, and an order in which no passage stands before a better one. */
export function rankingAgrees({ scoresMilli, order, truncated }: ClaimedRanking, found: readonly Relevance[]): boolean {
  const right = rankingOf(found);
  const near = (score: number, at: number): boolean =>
    Math.abs(score - right.scoresMilli[at]!) <= SCORE_TOLERANCE_MILLI;
  // Past what a double tells apart from 0 or 1 all are equal.
  const notWorse = (before: number, after: number): boolean =>
    before >= after || logOdds(after) - logOdds(before) <= ORDER_TOLERANCE;
  return (
    scoresMilli.length === found.length &&
    scoresMilli.every(near) &&
    order.length === found.length &&
    new Set(order).size === order.length &&
    order.every((place, at) => at === 0 || notWorse(found[order[at - 1]!]!.score, found[place]?.score ?? NaN)) &&
    truncated.length === right.truncated.length &&
    truncated.every((place, at) => place === right.truncated[at])
  );
}
