import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { judgeRescore } from '#core/experts/validators/judge-rescore';
import {
  openClaim,
  rejected,
  undecided,
  verdictStatement,
  type Judgement,
  type OpenedClaim,
} from '#core/experts/validators/open-claim';
import type { VerdictStatement } from '#core/jobs/statements';
import { checkAgainst } from '#core/wire/gate';
import type { Signed } from '#core/wire/signed';
import type { CheckInput, CheckOutput } from '../check-redo/contract';
import { chatInputSchema, chatOutputSchema, llmChat } from '../llm-chat/contract';
import { MARGIN_TOLERANCE } from './contract';

export interface CheckRescoreOptions {
  readonly self: NodeId;
  readonly verify: Verify;
  readonly now: () => number;
  /** A model that is loaded here, by id; a failure when this node does not have it. */
  readonly model: (id: string) => Promise<Result<LanguageModel>>;
  readonly signVerdict: (body: VerdictStatement) => Promise<Result<Signed>>;
}

/** `check.rescore@1`: scores the answer in one pass and signs what came of it. */
export function createCheckRescoreHandler({
  self,
  verify,
  now,
  model: findModel,
  signVerdict,
}: CheckRescoreOptions): Handler<CheckInput, CheckOutput> {
  async function judge({ commitment, opens }: OpenedClaim, claim: CheckInput): Promise<Judgement> {
    if (!opens) return rejected('opening_mismatch');
    if (commitment.capability !== llmChat.id) return undecided('unsupported');
    const input = checkAgainst(chatInputSchema, claim.input);
    const output = checkAgainst(chatOutputSchema, claim.output);
    if (!input.ok || !output.ok) return rejected('malformed_claim');
    const { messages, maxTokens, model: askedFor } = input.value;
    const { model: claimed, promptIds, ids, text, finish } = output.value;
    if (askedFor !== undefined && askedFor !== claimed.id) return rejected('model_mismatch');
    const model = await findModel(claimed.id);
    if (!model.ok) return undecided('other_model');
    return judgeRescore(
      model.value,
      { messages, maxTokens, modelHash: claimed.hash, promptIds, ids, text, finish },
      MARGIN_TOLERANCE,
    );
  }

  return async (claim, { caller }) => {
    const opened = await openClaim(claim, caller, self, verify);
    if (!opened.ok) return opened;
    const judgement = await judge(opened.value, claim);
    const verdict = await signVerdict(verdictStatement(opened.value, self, 'rescore', judgement, now()));
    return verdict.ok ? ok({ verdict: verdict.value }) : verdict;
  };
}
