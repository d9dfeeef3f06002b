import type { Check } from './check';
import type { CheckKind, Verdict } from './route';

export interface Combined {
  readonly verdict: Verdict;
  readonly check: CheckKind;
}

/** What the verdicts mean together: one side decides, two sides that stay apart are a dispute, none is unchecked. */
export function combine(kind: Exclude<CheckKind, 'none' | 'outcome'>, checks: readonly Check[]): Combined {
  const accepted = checks.some((one) => one.verdict === 'accepted');
  const rejected = checks.some((one) => one.verdict === 'rejected');
  if (accepted && rejected) return { verdict: 'disputed', check: kind };
  if (accepted) return { verdict: 'accepted', check: kind };
  if (rejected) return { verdict: 'rejected', check: kind };
  return { verdict: 'unchecked', check: 'none' };
}
