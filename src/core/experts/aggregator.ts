import type { Check } from './check';
import type { CheckKind, Verdict } from './route';

export interface Combined {
  readonly verdict: Verdict;
  readonly check: CheckKind;
}

/** What the verdicts mean together: the majority of those who could tell decides, equal sides are a dispute, none is unchecked. */
export function combine(kind: Exclude<CheckKind, 'none'>, checks: readonly Check[]): Combined {
  const accepted = checks.filter((one) => one.verdict === 'accepted').length;
  const rejected = checks.filter((one) => one.verdict === 'rejected').length;
  if (accepted + rejected === 0) return { verdict: 'unchecked', check: 'none' };
  if (accepted === rejected) return { verdict: 'disputed', check: kind };
  return { verdict: accepted > rejected ? 'accepted' : 'rejected', check: kind };
}
