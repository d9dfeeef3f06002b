import { encodeCanonical, sha256 } from '#core/base/canonical';
import {
  CAUTIOUS_LIMITS,
  judgeMargins,
  MEASURED_LIMITS,
  type MarginLimits,
  type MarginScore,
} from '#core/experts/validators/margin-test';
import { FIRST_POSITIONS, planPositions, SPARSE_FIRST_POSITIONS } from '#core/experts/validators/positions';
import { createSequentialTest } from '#core/experts/validators/sequential-test';
import { NO_RECORD, recordOutcome, type AuditRecord } from '#core/experts/audit';
import {
  createDraws,
  drawAnswer,
  PLACES,
  poolOfErrors,
  withGrossShare,
  type Draws,
  type Place,
  type Pool,
} from './answers';
import { judgeByGrossCount } from './gross-count';

/** What a test says of one answer, and how many of its tokens it looked at. */
export interface Judged {
  readonly rejected: boolean;
  readonly looked: number;
}

export type Judge = (scores: readonly MarginScore[], draws: Draws) => Judged;

/** Plans of one length repeat after this many, which no liar here can use. */
const PLANS = 64;
const plansByKind = new Map<string, ReturnType<typeof planPositions>>();

function planFor(length: number, first: number, draws: Draws) {
  const key = `${length}/${first}/${draws.below(PLANS)}`;
  const known = plansByKind.get(key) ?? planPositions({ length, seed: sha256(encodeCanonical(['plan', key])), first });
  plansByKind.set(key, known);
  return known;
}

const byMargins =
  (first: number, limits: MarginLimits): Judge =>
  (scores, draws) => {
    const { decision, positions } = judgeMargins(scores, planFor(scores.length, first, draws), limits);
    return { rejected: decision === 'rejected', looked: positions.length };
  };

const oneByOne: Judge = (scores) => {
  const test = createSequentialTest(scores.length);
  for (const score of scores) {
    const { decision, looked } = test.push(score);
    if (decision !== 'open') return { rejected: decision === 'rejected', looked };
  }
  return { rejected: false, looked: scores.length };
};

export const TESTS = {
  published: judgeByGrossCount,
  ours: byMargins(FIRST_POSITIONS, CAUTIOUS_LIMITS),
  'ours, sparse': byMargins(SPARSE_FIRST_POSITIONS, CAUTIOUS_LIMITS),
  'one by one': oneByOne,
  'ours, measured': byMargins(FIRST_POSITIONS, MEASURED_LIMITS),
} as const satisfies Record<string, Judge>;

export type TestName = keyof typeof TESTS;

export interface Measured {
  readonly answers: number;
  readonly rejected: number;
  readonly meanLooked: number;
}

/** Judges so many answers; the same seed draws the same answers for every test. */
export function measure(
  judge: Judge,
  answers: number,
  seed: number,
  draw: (draws: Draws) => readonly MarginScore[],
): Measured {
  const draws = createDraws(seed);
  const positions = createDraws(seed + 1);
  let [rejected, looked] = [0, 0];
  for (let answer = 0; answer < answers; answer++) {
    const judged = judge(draw(draws), positions);
    if (judged.rejected) rejected++;
    looked += judged.looked;
  }
  return { answers, rejected, meanLooked: looked / answers };
}

/** Wilson's interval for a share, 95 % wide. */
export function wilson(hits: number, of: number): readonly [low: number, high: number] {
  const z = 1.959964;
  const share = hits / of;
  const centre = share + (z * z) / (2 * of);
  const half = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const scale = 1 + (z * z) / of;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}

/** The errors of logits that make a liar miss grossly so often. */
export const LIARS = [
  { gross: 0.04, errors: 0.5 },
  { gross: 0.1, errors: 0.82 },
  { gross: 0.134, errors: 1 },
  { gross: 0.23, errors: 1.5 },
] as const;

/** Between two backends of the same weights we measured at most 0.05; here that is the standard deviation, which is more. */
export const HONEST_ERRORS = 0.05;

export const liarPool = ({ gross, errors }: (typeof LIARS)[number]): Pool =>
  withGrossShare(poolOfErrors(Math.round(errors * 1_000), errors), gross);

/** Sets a liar on one node's record, every answer checked: after how many answers it is caught, at most `most` (then one more). */
export function answersUntilCaught(
  own: Pool,
  honest: Pool,
  length: number,
  cheatsOnAnswers: number,
  draws: Draws,
  most: number,
  place: Place = PLACES['all of it'],
): number {
  let record: AuditRecord = NO_RECORD;
  for (let answer = 1; answer <= most; answer++) {
    const lies = draws.uniform() < cheatsOnAnswers;
    const scores = drawAnswer(draws, length, honest, lies ? own : honest, place);
    const plan = planFor(length, FIRST_POSITIONS, draws);
    const { decision, positions, gross, soft } = judgeMargins(scores, plan);
    record = recordOutcome(record, {
      verdict: decision === 'rejected' ? 'rejected' : 'accepted',
      outsideBranch: true,
      evidence: { positions: positions.length, gross, soft },
    });
    if (record.failures > 0) return answer;
  }
  return most + 1;
}
