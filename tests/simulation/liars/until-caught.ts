import { NO_RECORD, recordOutcome, type AuditRecord, type CheckedOutcome } from '#core/experts/audit';
import { judgeMargins, type MarginLimits } from '#core/experts/validators/margin-test';
import { planPositions } from '#core/experts/validators/positions';
import { createDraws } from '#tests/simulation/checking/answers';
import { scoresOf } from './figures';
import type { Row } from './row';

/** Nodes that lie, and after how many checked answers they were caught, by one answer or by the record. */
export interface UntilCaught {
  readonly nodes: number;
  /** One more than `MOST_ANSWERS` where half of them were not caught within these. */
  readonly median: number;
  readonly within10: number;
  readonly within50: number;
}

const NODES = 400;
export const MOST_ANSWERS = 50;

/** Draws the answers of each node from those that were measured: so large a share from the liar's, the others from honest ones. */
export function untilCaught(
  lies: readonly Row[],
  honest: readonly Row[],
  share: number,
  limits: MarginLimits,
  seed: number,
): UntilCaught {
  const outcomeOf = (row: Row): CheckedOutcome => {
    const scores = scoresOf(row);
    if (scores === null) return { verdict: 'rejected', outsideBranch: true };
    const plan = planPositions({ length: scores.length, seed: new Uint8Array(32) });
    const { decision, positions, gross, soft } = judgeMargins(scores, plan, limits);
    const evidence = { positions: positions.length, gross, soft };
    return { verdict: decision === 'rejected' ? 'rejected' : 'accepted', outsideBranch: true, evidence };
  };
  const [liar, other] = [lies.map(outcomeOf), honest.map(outcomeOf)];
  const draws = createDraws(seed);
  const counts: number[] = [];
  for (let node = 0; node < NODES; node++) {
    let record: AuditRecord = NO_RECORD;
    let answers = 0;
    while (answers <= MOST_ANSWERS && record.failures === 0) {
      answers++;
      const from = draws.uniform() < share ? liar : other;
      if (answers <= MOST_ANSWERS) record = recordOutcome(record, from[draws.below(from.length)]!);
    }
    counts.push(answers);
  }
  counts.sort((a, b) => a - b);
  return {
    nodes: NODES,
    median: counts[NODES / 2]!,
    within10: counts.filter((count) => count <= 10).length,
    within50: counts.filter((count) => count <= MOST_ANSWERS).length,
  };
}
