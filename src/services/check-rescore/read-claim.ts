import { samplingOf } from '#core/engines/answer-sampling';
import type { AnswerClaim } from '#core/experts/validators/judge-rescore';
import { rejected, type Judgement } from '#core/experts/validators/open-claim';
import type { Commitment } from '#core/ledger/statements';
import { checkAgainst } from '#core/wire/gate';
import { llmChat } from '../llm-chat/contract';
import { summarizeMessages, textSummarize } from '../text-summarize/contract';

/** What there is to score again, and which model claims to have said it. */
export interface ReadClaim {
  readonly modelId: string;
  readonly answer: AnswerClaim;
}

/** A claim through its contract: the requester checked it, but may lie about that. Else the judgement that it is none. */
type ReadsClaim = (input: unknown, output: unknown, commitment: Commitment) => ReadClaim | Judgement;

const readChat: ReadsClaim = (rawInput, rawOutput, { jobId, executor }) => {
  const input = checkAgainst(llmChat.input, rawInput);
  const output = checkAgainst(llmChat.output, rawOutput);
  if (!input.ok || !output.ok) return rejected('malformed_claim');
  const { messages, maxTokens, model: askedFor, resume } = input.value;
  const { model: claimed, promptIds, ids, resumedTokens, text, finish } = output.value;
  if (askedFor !== undefined && askedFor !== claimed.id) return rejected('model_mismatch');
  // What it says it continued must be what it was given.
  const given = resume?.ids ?? [];
  if (resumedTokens > given.length || given.slice(0, resumedTokens).some((id, at) => id !== ids[at]))
    return rejected('prefix_mismatch');
  const sampling = samplingOf(input.value, { jobId, executor, modelHash: claimed.hash, resumedTokens });
  return {
    modelId: claimed.id,
    answer: {
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
  };
};

/** Greedy, and never continued: there is nothing to say but the prompt. */
const readSummary: ReadsClaim = (rawInput, rawOutput) => {
  const input = checkAgainst(textSummarize.input, rawInput);
  const output = checkAgainst(textSummarize.output, rawOutput);
  if (!input.ok || !output.ok) return rejected('malformed_claim');
  const { maxTokens, model: askedFor } = input.value;
  const { model: claimed, promptIds, ids, text, finish } = output.value;
  if (askedFor !== undefined && askedFor !== claimed.id) return rejected('model_mismatch');
  return {
    modelId: claimed.id,
    answer: {
      messages: summarizeMessages(input.value),
      maxTokens,
      modelHash: claimed.hash,
      engine: claimed.engine,
      promptIds,
      ids,
      text,
      finish,
    },
  };
};

/** The work that one pass of the same model can check, by capability. */
export const readers: ReadonlyMap<string, ReadsClaim> = new Map([
  [llmChat.id, readChat],
  [textSummarize.id, readSummary],
]);
