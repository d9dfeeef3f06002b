import { encodeCanonical, sha256 } from '#core/base/canonical';
import {
  CAUTIOUS_LIMITS,
  GROSS_MARGIN,
  judgeMargins,
  MEASURED_LIMITS,
  SOFT_MARGIN,
  type MarginLimits,
  type MarginScore,
} from '#core/experts/validators/margin-test';
import { planPositions } from '#core/experts/validators/positions';
import { isHonest, isLie, ownTokens, type Condition } from './conditions';
import { LONG_LENGTH } from './questions';
import type { Row } from './row';

/** Answers that were judged, and how many of them were rejected: with measured and with cautious limits. */
export interface Judged {
  readonly answers: number;
  readonly measured: number;
  readonly cautious: number;
}

/** What one condition came to: counts only, so that intervals and tables follow from it. */
export interface Figures {
  readonly condition: string;
  /** Those that hold a lie, where it is about liars; the others are left out of everything. */
  readonly answers: number;
  readonly tokens: number;
  /** Verdicts of the real check, by reason. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Tokens of the liar's own that were scored (of an honest node: all), and how they missed. */
  readonly own: { readonly tokens: number; readonly missed: number; readonly soft: number; readonly gross: number };
  /** The largest margin, in thousandths; of misses that forbid a token 1,000,000. */
  readonly worstMilli: number;
  /** Answers that have all of the tokens that were allowed. */
  readonly whole: Judged;
  /** As if so many tokens had been allowed, the liar's the same part of them. */
  readonly byLength: Readonly<Record<string, Judged>>;
  /** Whole answers, so many of their positions looked at. */
  readonly byPositions: Readonly<Record<string, Judged>>;
}

export const LENGTHS = [16, 32, 64, 128, 256] as const;
export const POSITIONS = [8, 16, 32, 64, 128, 256] as const;

/** The scores of an answer as the validator had them; null where it saw enough without any. */
export function scoresOf({ tokens, misses }: Row): readonly MarginScore[] | null {
  if (misses === null) return null;
  const scores: MarginScore[] = Array.from({ length: tokens }, () => ({ rank: 0, margin: 0 }));
  for (const [at, margin, rank] of misses) scores[at] = { rank, margin };
  return scores;
}

const seedFor = (row: Row, positions: number): Uint8Array =>
  sha256(encodeCanonical(['tabmesh/liars', 'plan', row.condition, row.index, positions]));

const isRejected = (
  scores: readonly MarginScore[],
  limits: MarginLimits,
  seed: Uint8Array,
  positions?: number,
): boolean => {
  const plan = planPositions({ length: scores.length, seed, ...(positions === undefined ? {} : { first: positions }) });
  // Where fewer are looked at there is no second look: what these positions show is all.
  const judged = positions === undefined ? plan : { first: plan.first, extended: plan.first };
  return judgeMargins(scores, judged, limits).decision === 'rejected';
};

function judgeAll(
  rows: readonly Row[],
  cut: (scores: readonly MarginScore[]) => readonly MarginScore[] | null,
  positions?: number,
): Judged {
  let [answers, measured, cautious] = [0, 0, 0];
  for (const row of rows) {
    const scores = scoresOf(row);
    const looked = scores && cut(scores);
    if (looked === null) continue;
    const seed = seedFor(row, positions ?? 0);
    answers++;
    if (isRejected(looked, MEASURED_LIMITS, seed, positions)) measured++;
    if (isRejected(looked, CAUTIOUS_LIMITS, seed, positions)) cautious++;
  }
  return { answers, measured, cautious };
}

export function figuresOf(condition: Condition, all: readonly Row[]): Figures {
  const rows = all.filter(({ index, tokens: length }) => isLie(condition, index, length));
  const [from, until] = condition.own === undefined ? [0, Infinity] : ownTokens(condition);
  const verdicts: Record<string, number> = {};
  let [tokens, scored, missed, soft, gross, worst] = [0, 0, 0, 0, 0, 0];
  for (const row of rows) {
    const word = row.verdict === 'accepted' ? 'accepted' : `${row.verdict}: ${row.reason}`;
    verdicts[word] = (verdicts[word] ?? 0) + 1;
    tokens += row.tokens;
    if (row.misses === null) continue;
    scored += Math.max(0, Math.min(row.tokens, until) - from);
    for (const [at, margin] of row.misses) {
      worst = Math.max(worst, margin);
      if (at < from || at >= until) continue;
      missed++;
      if (margin > GROSS_MARGIN) gross++;
      else if (margin > SOFT_MARGIN) soft++;
    }
  }
  const isLong = condition.kind === 'long';
  // A lie in single tokens, or one that ends before the answer does, has no part that could be kept the same.
  const hasPart = condition.own === undefined ? isHonest(condition.name) : condition.own[1] === 1;
  const whole = (scores: readonly MarginScore[]) => (scores.length === LONG_LENGTH ? scores : null);
  const honestPart = from / LONG_LENGTH;
  /** As many tokens as asked for, around where the lie begins, so that it has the same part of them. */
  const around = (length: number) => (scores: readonly MarginScore[]) => {
    const start = from - Math.round(honestPart * length);
    return scores.length >= start + length ? scores.slice(start, start + length) : null;
  };
  return {
    condition: condition.name,
    answers: rows.length,
    tokens,
    verdicts: Object.fromEntries(Object.entries(verdicts).sort()),
    own: { tokens: scored, missed, soft, gross },
    worstMilli: Math.round(1_000 * worst),
    whole: isLong ? judgeAll(rows, whole) : judgeAll(rows, (scores) => scores),
    byLength: Object.fromEntries(
      hasPart ? LENGTHS.map((length) => [String(length), judgeAll(rows, around(length))]) : [],
    ),
    byPositions:
      isLong && hasPart
        ? Object.fromEntries(POSITIONS.map((positions) => [String(positions), judgeAll(rows, whole, positions)]))
        : {},
  };
}
