import type { ChatMessage, LanguageModel } from '../../engines/language-model';
import { accepted, rejected, undecided, type Judgement } from './open-claim';

/** A language model's answer as its executor claims it. */
export interface AnswerClaim {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly modelHash: string;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly text: string;
  readonly finish: 'stop' | 'length';
}

/**
 * Whether this answer is the one that the model gives, without generating it: the prompt's ids, the ending and the text
 * first, then one teacher-forced pass. It says nothing about whether the answer is true. `marginTolerance` is in logits.
 */
export async function judgeRescore(
  model: LanguageModel,
  claim: AnswerClaim,
  marginTolerance: number,
): Promise<Judgement> {
  const { promptIds, ids } = claim;
  if (claim.modelHash !== model.identity.hash) return undecided('other_model');

  const prompt = await model.encodePrompt(claim.messages);
  if (!prompt.ok)
    return prompt.error.code === 'prompt_too_long' ? rejected('prompt_mismatch') : undecided('engine_failed');
  if (!sameIds(prompt.value, promptIds)) return rejected('prompt_mismatch');

  if (!endsAsItSays(claim, model)) return rejected('ending_mismatch');

  const text = await model.decode(ids);
  if (!text.ok) return text.error.code === 'unknown_token' ? rejected('token_mismatch') : undecided('engine_failed');
  if (text.value !== claim.text) return rejected('text_mismatch');

  const scores = await model.score(promptIds, ids);
  if (!scores.ok) return undecided('engine_failed');
  return scores.value.length === ids.length && scores.value.every(({ margin }) => margin <= marginTolerance)
    ? accepted
    : rejected('token_mismatch');
}

/** `stop`: the end token once, as the last id. `length`: no end token, and exactly as many ids as were allowed or fit. */
function endsAsItSays(
  { promptIds, ids, maxTokens, finish }: AnswerClaim,
  { endTokenId, identity }: LanguageModel,
): boolean {
  const limit = Math.min(maxTokens, identity.contextTokens - promptIds.length);
  if (ids.length === 0 || ids.length > limit) return false;
  const end = ids.indexOf(endTokenId);
  return finish === 'stop' ? end === ids.length - 1 : end === -1 && ids.length === limit;
}

const sameIds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, index) => id === b[index]);
