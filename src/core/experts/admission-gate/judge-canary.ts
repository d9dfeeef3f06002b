/** Answers of one version that were audited, and how the audits ended. */
export interface AuditedCounts {
  readonly accepted: number;
  readonly rejected: number;
}

export interface CanaryRecord {
  /** The version that serves. */
  readonly old: AuditedCounts;
  /** The one that is tried. */
  readonly fresh: AuditedCounts;
}

/** A version whose answers are rejected this much more often, in points of 100, must not spread. */
export const DROP_PERCENT = 10;
/** How often a version that is as good as the old one may be rolled back; measured in judge-canary.test.ts. */
export const FALSE_ALARMS = 0.02;
/** How often a version that is worse by `DROP_PERCENT` may be let through; measured there too. */
export const MISSED_DROPS = 0.1;
/** Wald's bounds for these two: natural logarithms of the odds. */
const ROLL_BACK_AT = Math.log((1 - MISSED_DROPS) / FALSE_ALARMS);
const PROMOTE_AT = Math.log(MISSED_DROPS / (1 - FALSE_ALARMS));
/** With fewer audits the old version's own rate is a guess, and nothing is compared with a guess. */
export const LEAST_OLD_AUDITS = 50;
/** No version spreads on fewer audits than these, however clean. */
export const LEAST_FRESH_AUDITS = 30;
/**
 * The old rate is known as well as its audits allow (Wilson's interval, this many standard deviations): an old version that was lucky must not make
 * the new one look bad, nor an unlucky one make it look good.
 */
const CAUTION = 1.2816;
/** Even where nothing was ever rejected: below this an honest device's bad luck would count as a drop. */
const LEAST_RATE = 0.005;
/** Where nearly everything is rejected anyway, something worse can hardly be told. */
const MOST_RATE = 0.98;

export interface CanaryJudgement {
  readonly decision: 'promote' | 'keep' | 'roll-back';
  /** Thousandths of a nat; at `rollBackAtMilli` the version goes, at `promoteAtMilli` it stays. */
  readonly evidenceMilli: number;
  readonly rollBackAtMilli: number;
  readonly promoteAtMilli: number;
  readonly sentence: string;
}

/**
 * Wald's sequential test on how often audits reject the new version: as often as the old one, or `DROP_PERCENT` points more? Ask
 * after every audited answer and hold on to the first decision that is not `keep`. Pure; counts are whole numbers from 0.
 */
export function judgeCanary({ old, fresh }: CanaryRecord): CanaryJudgement {
  const judged = (decision: CanaryJudgement['decision'], evidence: number, sentence: string): CanaryJudgement => ({
    decision,
    evidenceMilli: Math.round(evidence * 1_000),
    rollBackAtMilli: Math.round(ROLL_BACK_AT * 1_000),
    promoteAtMilli: Math.round(PROMOTE_AT * 1_000),
    sentence,
  });
  if (old.accepted + old.rejected < LEAST_OLD_AUDITS) {
    return judged('keep', 0, 'Too few answers of the version before were audited to compare with.');
  }
  const { low, high } = rangeOf(old);
  // Each decision is taken against that end of the range which makes it harder.
  const evidence = evidenceAgainst(fresh, high);
  const audits = fresh.accepted + fresh.rejected;
  const said = `${fresh.rejected} of ${audits} audited answers were rejected, ${old.rejected} of ${old.accepted + old.rejected} of the version before`;
  if (evidence >= ROLL_BACK_AT)
    return judged('roll-back', evidence, `${said}: it is worse and gets no more questions.`);
  if (evidenceAgainst(fresh, low) <= PROMOTE_AT && audits >= LEAST_FRESH_AUDITS) {
    return judged('promote', evidence, `${said}: it is as good and takes over.`);
  }
  return judged('keep', evidence, `${said}: too early to tell.`);
}

/** The log-likelihood ratio of "worse by `DROP_PERCENT` points" to "as usual", in nats. */
function evidenceAgainst({ accepted, rejected }: AuditedCounts, rate: number): number {
  const usual = Math.min(MOST_RATE, Math.max(LEAST_RATE, rate));
  const worse = Math.min((1 + MOST_RATE) / 2, usual + DROP_PERCENT / 100);
  return rejected * Math.log(worse / usual) + accepted * Math.log((1 - worse) / (1 - usual));
}

/** Wilson's interval for the share that was rejected. */
function rangeOf({ accepted, rejected }: AuditedCounts): { readonly low: number; readonly high: number } {
  const n = accepted + rejected;
  const share = rejected / n;
  const square = CAUTION ** 2;
  const spread = CAUTION * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n));
  const scale = 1 + square / n;
  return { low: (share + square / (2 * n) - spread) / scale, high: (share + square / (2 * n) + spread) / scale };
}
