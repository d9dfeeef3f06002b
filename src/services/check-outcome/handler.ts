import type { Handler } from '#core/bus/capability';
import {
  openClaim,
  rejected,
  verdictStatement,
  type ClaimRules,
  type SealVerdict,
} from '#core/experts/validators/open-claim';
import type { CheckInput, CheckOutput } from '../check-redo/contract';
import { judgeOutcome, type OutcomeDeps } from './judge-outcome';

export interface CheckOutcomeOptions extends OutcomeDeps, ClaimRules {
  readonly now: () => number;
  readonly sealVerdict: SealVerdict;
}

/** `check.outcome@1`: does the objective check again and seals what came of it. */
export const createCheckOutcomeHandler =
  ({ self, verify, challenged, now, sealVerdict, ...deps }: CheckOutcomeOptions): Handler<CheckInput, CheckOutput> =>
  async (claim, { caller, signal }) => {
    const opened = await openClaim(claim, caller, { self, verify, challenged });
    if (!opened.ok) return opened;
    const { commitment, opens } = opened.value;
    const judgement = opens
      ? await judgeOutcome(deps, commitment, claim.input, claim.output, signal)
      : rejected('opening_mismatch');
    return sealVerdict(verdictStatement(opened.value, self, 'outcome', judgement, now()), null, caller);
  };
