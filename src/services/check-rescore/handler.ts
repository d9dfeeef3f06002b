import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import type { Result } from '#core/base/result';
import { samplingOf } from '#core/engines/answer-sampling';
import type { LanguageModel } from '#core/engines/language-model';
import { judgeRescore, type RescoreJudgement } from '#core/experts/validators/judge-rescore';
import {
  openClaim,
  rejected,
  undecided,
  verdictStatement,
  type OpenedClaim,
  type SealVerdict,
} from '#core/experts/validators/open-claim';
import { checkAgainst } from '#core/wire/gate';
import { positionSeed } from '#core/experts/validators/positions';
import type { CheckInput, CheckOutput } from '../check-redo/contract';
import { chatInputSchema, chatOutputSchema, llmChat } from '../llm-chat/contract';

export interface CheckRescoreOptions {
  readonly self: NodeId;
  readonly verify: Verify;
  readonly now: () => number;
  /** A model that is loaded here, by id; a failure when this node does not have it. */
  readonly model: (id: string) => Promise<Result<LanguageModel>>;
  readonly sealVerdict: SealVerdict;
  /** Known to this node alone: which positions it looks at follows from it and from what the executor committed to. */
  readonly secret: Uint8Array;
}

/** `check.rescore@1`: scores the answer in one pass and seals what came of it. */
export function createCheckRescoreHandler({
  self,
  verify,
  now,
  model: findModel,
  sealVerdict,
  secret,
}: CheckRescoreOptions): Handler<CheckInput, CheckOutput> {
  async function judge({ commitment, commitmentId, opens }: OpenedClaim, claim: CheckInput): Promise<RescoreJudgement> {
    if (!opens) return rejected('opening_mismatch');
    if (commitment.capability !== llmChat.id) return undecided('unsupported');
    const input = checkAgainst(chatInputSchema, claim.input);
    const output = checkAgainst(chatOutputSchema, claim.output);
    if (!input.ok || !output.ok) return rejected('malformed_claim');
    const { messages, maxTokens, model: askedFor, resume } = input.value;
    const { model: claimed, promptIds, ids, resumedTokens, text, finish } = output.value;
    if (askedFor !== undefined && askedFor !== claimed.id) return rejected('model_mismatch');
    // What it says it continued must be what it was given.
    const given = resume?.ids ?? [];
    if (resumedTokens > given.length || given.slice(0, resumedTokens).some((id, at) => id !== ids[at]))
      return rejected('prefix_mismatch');
    const model = await findModel(claimed.id);
    if (!model.ok) return undecided('other_model');
    const sampling = samplingOf(input.value, {
      jobId: commitment.jobId,
      executor: commitment.executor,
      modelHash: claimed.hash,
      resumedTokens,
    });
    return judgeRescore(
      model.value,
      {
        messages,
        maxTokens,
        modelHash: claimed.hash,
        engine: claimed.engine,
        promptIds,
        ids,
        text,
        finish,
        ...(sampling === undefined ? {} : { sampling }),
      },
      positionSeed(commitmentId, secret, commitment.jobId),
    );
  }

  return async (claim, { caller }) => {
    const opened = await openClaim(claim, caller, self, verify);
    if (!opened.ok) return opened;
    const { lookedAt = null, ...judgement } = await judge(opened.value, claim);
    return sealVerdict(verdictStatement(opened.value, self, 'rescore', judgement, now()), lookedAt);
  };
}
