import { fail, ok, type Result } from '#core/base/result';
import { checkSampling } from '#core/engines/check-sampling';
import { decide, scoreClaim, type DecisionRule } from '#core/engines/decision';
import type { FinishReason, GeneratedToken, ScoredPosition } from '#core/engines/language-model';
import type { Sampling } from '#core/engines/sampling';
import { createTextDeltas } from '#core/engines/text-deltas';
import type { WorkerGenerateRequest } from '#core/engines/worker-protocol';

/** One sequence being fed to the model, with its key and value cache. */
export interface Sequence {
  /** Feeds ids after those that were fed before; gives the logits after the last of them, a copy. */
  feed(ids: readonly number[]): Promise<Float32Array>;
  /** The same with the logits after each of them: `logitsAfter(i)` are those after the first `i + 1` of these ids. */
  feedAll(ids: readonly number[]): Promise<{ logitsAfter(index: number): Float32Array }>;
  /** Frees the cache. */
  close(): void;
}

/** The raw model: numbers in, numbers out. */
export interface ForwardModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  /** As many ids as one pass may take: more would fill the memory with logits, or keep the thread too long. */
  readonly passTokens: number;
  openSequence(): Sequence;
  decode(ids: readonly number[]): string;
}

export interface GenerationRules {
  readonly decision: DecisionRule;
  readonly endTokenId: number;
  /**
   * Other ids that end an answer for this model. Everyone else knows one end token, so they count as one with it: the
   * likeliest of them lends its logit to `endTokenId`, and they themselves are never drawn.
   */
  readonly otherEndIds: readonly number[];
}

export interface GenerationRun {
  readonly onToken: (token: GeneratedToken) => void;
  /** Asked before every pass. */
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

/** The logits with all end tokens as one. */
export function withOneEnd(logits: Float32Array, { endTokenId, otherEndIds }: GenerationRules): Float32Array {
  if (otherEndIds.length === 0) return logits;
  const folded = Float32Array.from(logits);
  for (const id of otherEndIds) {
    folded[endTokenId] = Math.max(folded[endTokenId]!, folded[id]!);
    folded[id] = -Infinity;
  }
  return folded;
}

function partsOf(ids: readonly number[], most: number): readonly (readonly number[])[] {
  const parts: (readonly number[])[] = [];
  for (let from = 0; from < ids.length; from += most) parts.push(ids.slice(from, from + most));
  return parts;
}

/** Token by token with a cache, the prompt and the tokens to continue from in as few passes as they take. */
export async function generateTokens(
  model: ForwardModel,
  rules: GenerationRules,
  { promptIds, prefixIds, maxTokens, sampling, shape }: WorkerGenerateRequest,
  { onToken, stopped, yieldToMessages }: GenerationRun,
): Promise<Result<FinishReason>> {
  const { decision, endTokenId, otherEndIds } = rules;
  if (shape !== undefined) return fail('unsupported_shape', 'This model cannot hold an answer to a given form.');
  const sampled = checkSampling(sampling);
  if (!sampled.ok) return sampled;
  const known = checkIds(model, [...promptIds, ...prefixIds]);
  if (!known.ok) return known;
  if (promptIds.length === 0) return fail('prompt_empty', 'There is nothing to answer.');
  const limit = Math.min(maxTokens, model.contextTokens - promptIds.length);
  // Not `limit < 1`: a limit that is no number is refused, too.
  if (!(limit >= 1) || prefixIds.length > limit) return tooLong(model);
  if (prefixIds.some((id) => id === endTokenId || otherEndIds.includes(id))) return ok('stop');

  const deltas = createTextDeltas(prefixIds.length === 0 ? '' : model.decode(prefixIds));
  const answer = [...prefixIds];
  const rule = ruleOf(decision, sampling);
  const sequence = model.openSequence();
  try {
    let unfed: readonly number[] = [...promptIds, ...prefixIds];
    while (answer.length < limit) {
      let logits: Float32Array | null = null;
      for (const part of partsOf(unfed, model.passTokens)) {
        await yieldToMessages();
        if (stopped()) return ok('cancelled');
        logits = await sequence.feed(part);
      }
      const { chosenId } = decide(rule, withOneEnd(logits!, rules), answer.length);
      answer.push(chosenId);
      unfed = [chosenId];
      const ended = chosenId === endTokenId;
      onToken({ id: chosenId, text: deltas.next(model.decode(answer), ended || answer.length >= limit) });
      if (ended) return ok('stop');
    }
    return ok('length');
  } finally {
    sequence.close();
  }
}

/**
 * Teacher forcing over prompt and claim, every claimed token against the model's own choice at its place: one pass where
 * one is enough, else pass after pass with a cache, so that no more logits are held than those of one.
 */
export async function scoreTokens(
  model: ForwardModel,
  rules: GenerationRules,
  promptIds: readonly number[],
  outputIds: readonly number[],
  sampling?: Sampling,
  yieldToMessages: () => Promise<void> = () => Promise.resolve(),
): Promise<Result<readonly ScoredPosition[]>> {
  const sampled = checkSampling(sampling);
  if (!sampled.ok) return sampled;
  const known = checkIds(model, [...promptIds, ...outputIds]);
  if (!known.ok) return known;
  if (promptIds.length === 0) return fail('prompt_empty', 'There is nothing to answer.');
  if (promptIds.length + outputIds.length > model.contextTokens) return tooLong(model);
  if (outputIds.length === 0) return ok([]);
  const rule = ruleOf(rules.decision, sampling);
  const forced = [...promptIds, ...outputIds.slice(0, -1)];
  const firstAt = promptIds.length - 1;
  const scores: ScoredPosition[] = [];
  const sequence = model.openSequence();
  try {
    let fed = 0;
    for (const part of partsOf(forced, model.passTokens)) {
      if (fed > 0) await yieldToMessages();
      const until = fed + part.length;
      if (until <= firstAt) await sequence.feed(part);
      else {
        const { logitsAfter } = await sequence.feedAll(part);
        for (let at = Math.max(fed, firstAt); at < until; at++) {
          const position = at - firstAt;
          scores.push(scoreClaim(rule, withOneEnd(logitsAfter(at - fed), rules), position, outputIds[position]!));
        }
      }
      fed = until;
    }
  } finally {
    sequence.close();
  }
  return ok(scores);
}
