import type { Handler } from '#core/bus/capability';
import type { Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { judgeRescore, type RescoreJudgement } from '#core/experts/validators/judge-rescore';
import {
  openClaim,
  rejected,
  undecided,
  verdictStatement,
  type ClaimRules,
  type OpenedClaim,
  type SealVerdict,
} from '#core/experts/validators/open-claim';
import { positionSeed } from '#core/experts/validators/positions';
import type { CheckInput, CheckOutput } from '../check-redo/contract';
import { readers } from './read-claim';

export interface CheckRescoreOptions extends ClaimRules {
  readonly now: () => number;
  /** A model that is loaded here, by id; a failure when this node does not have it. */
  readonly model: (id: string) => Promise<Result<LanguageModel>>;
  readonly sealVerdict: SealVerdict;
  /** Known to this node alone: which positions it looks at follows from it and from what the executor committed to. */
  readonly secret: Uint8Array;
}

/** `check.rescore@1`: scores the answer in one pass and seals what came of it. */
export function createCheckRescoreHandler({
  now,
  model: findModel,
  sealVerdict,
  secret,
  ...rules
}: CheckRescoreOptions): Handler<CheckInput, CheckOutput> {
  async function judge({ commitment, commitmentId, opens }: OpenedClaim, claim: CheckInput): Promise<RescoreJudgement> {
    if (!opens) return rejected('opening_mismatch');
    const read = readers.get(commitment.capability);
    if (read === undefined) return undecided('unsupported');
    const found = read(claim.input, claim.output, commitment);
    if ('verdict' in found) return found;
    const model = await findModel(found.modelId);
    if (!model.ok) return undecided('other_model');
    return judgeRescore(model.value, found.answer, positionSeed(commitmentId, secret, commitment.jobId));
  }

  return async (claim, { caller }) => {
    const opened = await openClaim(claim, caller, rules);
    if (!opened.ok) return opened;
    const { lookedAt = null, ...judgement } = await judge(opened.value, claim);
    return sealVerdict(verdictStatement(opened.value, rules.self, 'rescore', judgement, now()), lookedAt, caller);
  };
}
