import { fail, ok, type Result } from '#core/base/result';
import { decide, scoreClaim, type DecisionRule } from '#core/engines/decision';
import type { FinishReason, GeneratedToken, ScoredPosition } from '#core/engines/language-model';
import type { Sampling } from '#core/engines/sampling';
import { createTextDeltas } from '#core/engines/text-deltas';
import type { WorkerGenerateRequest } from '#core/engines/worker-protocol';

/** One sequence being fed to the model, with its key and value cache. */
export interface Sequence {
  /** Feeds ids after those that were fed before; gives the logits after the last of them. */
  feed(ids: readonly number[]): Promise<Float32Array>;
  /** Frees the cache. */
  close(): void;
}

/** The raw model: numbers in, numbers out. */
export interface ForwardModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  openSequence(): Sequence;
  /** One pass over all ids without a cache; `logitsAfter(i)` are those after the first `i + 1` ids. */
  pass(ids: readonly number[]): Promise<{ logitsAfter(index: number): Float32Array }>;
  decode(ids: readonly number[]): string;
}

export interface GenerationRules {
  readonly decision: DecisionRule;
  readonly endTokenId: number;
}

export interface GenerationRun {
  readonly onToken: (token: GeneratedToken) => void;
  /** Asked before every token. */
  readonly stopped: () => boolean;
  /** Lets messages in, the one that stops this run among them. */
  readonly yieldToMessages: () => Promise<void>;
}

const ruleOf = (decision: DecisionRule, sampling: Sampling | undefined): DecisionRule =>
  sampling === undefined ? decision : { ...decision, sampling };

/** Ids that reach the runtime are checked first: one bad index breaks every later call in the same worker. */
function checkIds(model: ForwardModel, ids: readonly number[]): Result<void> {
  const known = ids.every((id) => Number.isInteger(id) && id >= 0 && id < model.vocabularySize);
  return known ? ok(undefined) : fail('unknown_token', 'The text has tokens that this model does not have.');
}

const tooLong = (model: ForwardModel) =>
  fail('prompt_too_long', `The question is too long for this model: it holds ${model.contextTokens} tokens in all.`);

/** Token by token with a cache, the prompt and the tokens to continue from in one pass. */
export async function generateTokens(
  model: ForwardModel,
  { decision, endTokenId }: GenerationRules,
  { promptIds, prefixIds, maxTokens, sampling, shape }: WorkerGenerateRequest,
  { onToken, stopped, yieldToMessages }: GenerationRun,
): Promise<Result<FinishReason>> {
  if (shape !== undefined) return fail('unsupported_shape', 'This model cannot hold an answer to a given form.');
  const known = checkIds(model, [...promptIds, ...prefixIds]);
  if (!known.ok) return known;
  if (promptIds.length === 0) return fail('prompt_empty', 'There is nothing to answer.');
  const limit = Math.min(maxTokens, model.contextTokens - promptIds.length);
  if (limit < 1 || prefixIds.length > limit) return tooLong(model);
  if (prefixIds.includes(endTokenId)) return ok('stop');

  const deltas = createTextDeltas(prefixIds.length === 0 ? '' : model.decode(prefixIds));
  const answer = [...prefixIds];
  const rule = ruleOf(decision, sampling);
  const sequence = model.openSequence();
  try {
    let unfed: readonly number[] = [...promptIds, ...prefixIds];
    while (answer.length < limit) {
      await yieldToMessages();
      if (stopped()) return ok('cancelled');
      const logits = await sequence.feed(unfed);
      const { chosenId } = decide(rule, logits, answer.length);
      answer.push(chosenId);
      unfed = [chosenId];
      const ended = chosenId === endTokenId;
      onToken({ id: chosenId, text: deltas.next(model.decode(answer), ended || answer.length === limit) });
      if (ended) return ok('stop');
    }
    return ok('length');
  } finally {
    sequence.close();
  }
}

/** Teacher forcing: one pass over prompt and claim, every claimed token against the model's own choice at its place. */
export async function scoreTokens(
  model: ForwardModel,
  { decision }: GenerationRules,
  promptIds: readonly number[],
  outputIds: readonly number[],
  sampling?: Sampling,
): Promise<Result<readonly ScoredPosition[]>> {
  const known = checkIds(model, [...promptIds, ...outputIds]);
  if (!known.ok) return known;
  if (promptIds.length === 0) return fail('prompt_empty', 'There is nothing to answer.');
  if (promptIds.length + outputIds.length > model.contextTokens) return tooLong(model);
  if (outputIds.length === 0) return ok([]);
  const { logitsAfter } = await model.pass([...promptIds, ...outputIds.slice(0, -1)]);
  const rule = ruleOf(decision, sampling);
  return ok(
    outputIds.map((id, position) => scoreClaim(rule, logitsAfter(promptIds.length - 1 + position), position, id)),
  );
}
