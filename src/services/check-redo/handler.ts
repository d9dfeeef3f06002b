import type { CapabilityId, Handler } from '#core/bus/capability';
import type { Result } from '#core/base/result';
import { judgeRedo } from '#core/experts/validators/judge-redo';
import { openClaim, verdictStatement, type ClaimRules, type SealVerdict } from '#core/experts/validators/open-claim';
import type { CheckInput, CheckOutput } from './contract';

export interface CheckRedoOptions extends ClaimRules {
  readonly now: () => number;
  /** Runs the job on this node. Code `unsupported` when it does not offer the capability or cannot redo it. */
  readonly redo: (capability: CapabilityId, input: unknown) => Promise<Result<unknown>>;
  readonly sealVerdict: SealVerdict;
}

/** `check.redo@1`: does the job again and seals what came of it. */
export function createCheckRedoHandler({
  now,
  redo,
  sealVerdict,
  ...rules
}: CheckRedoOptions): Handler<CheckInput, CheckOutput> {
  return async (claim, { caller }) => {
    const opened = await openClaim(claim, caller, rules);
    if (!opened.ok) return opened;
    const { commitment, opens } = opened.value;
    const redone = opens ? await redo(commitment.capability as CapabilityId, claim.input) : null;
    const judgement = judgeRedo(opened.value, claim.output, redone);
    return sealVerdict(verdictStatement(opened.value, rules.self, 'redo', judgement, now()), null, caller);
  };
}
