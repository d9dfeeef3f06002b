import type { ResponseFormat } from '@mlc-ai/web-llm';
import { fail, ok, type Result } from '#core/base/result';
import { checkSampling } from '#core/engines/check-sampling';
import { decide, type DecisionRule } from '#core/engines/decision';
import type { FinishReason, OutputShape } from '#core/engines/language-model';
import { createTextDeltas } from '#core/engines/text-deltas';
import type { WorkerGenerateRequest } from '#core/engines/worker-protocol';
import type { GenerationRules, GenerationRun } from '../transformers/generation';
import type { ConversationTemplate, Engine } from './engine';
import { readGrammarShape } from './grammar-shape';
import { readJsonShape } from './json-shape';
import type { KeyValueCache } from './key-value-cache';
import type { TokenProcessor } from './token-processor';
import type { Turns } from './turns';

/** What a mask writes for a forbidden token is far below this, what a model computes far above. */
const FORBIDDEN_BELOW = -1e30;
/** A grammar that has grown so ambiguous takes longer with every token; a healthy device needs tenths of a second. */
const SLOW_TOKEN_MS = 5_000;

export interface ShapedAnswerParts {
  readonly engine: Pick<Engine, 'chatCompletion' | 'interruptGenerate'>;
  readonly modelId: string;
  /** The template that the engine was loaded with, by reference. */
  readonly template: ConversationTemplate;
  readonly processor: TokenProcessor;
  readonly turns: Turns;
  readonly cache: KeyValueCache;
  readonly rules: GenerationRules;
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly decode: (ids: readonly number[]) => string;
  readonly nowMs: () => number;
}

/** Code: `unsupported_shape`. */
export function formatOf(shape: OutputShape): Result<ResponseFormat> {
  if (shape.kind === 'json-schema') {
    const schema = readJsonShape(shape.schema);
    return schema.ok ? ok({ type: 'json_object', schema: schema.value }) : schema;
  }
  const grammar = readGrammarShape(shape.grammar);
  return grammar.ok ? ok({ type: 'grammar', grammar: grammar.value }) : grammar;
}

/**
 * The template that makes web-llm prefill ids as they are: nothing is written around messages, and what begins every
 * conversation is `system_prefix_token_ids`, which is set before each request. It replaces the model's own.
 */
export const passThroughTemplate = (endIds: readonly number[]): ConversationTemplate => ({
  system_template: '',
  system_message: '',
  system_prefix_token_ids: [],
  roles: { user: '', assistant: '', tool: '' },
  role_content_sep: '',
  role_empty_sep: '',
  seps: [''],
  stop_str: [],
  stop_token_ids: [...endIds],
});

/**
 * An answer in a given form. Only `chatCompletion` masks by a grammar; it sees one empty message, and the ids of the
 * prompt by way of the template. The rule of all other answers draws among what the mask leaves. Thinking is switched off
 * where the prompt is made (`enable_thinking` of the chat template): web-llm's own switch would append what the prompt
 * has already.
 *
 * Limits: a grammar begins at the first token, so such an answer cannot be continued from a prefix; and its run cannot be
 * taken out of the cache and put back, so checks wait for it (see `turns`). web-llm's crash-resume is not used, neither
 * here nor elsewhere: it refuses a model that has a logit processor, which every model here has, and takes no grammar.
 * Answers without a form are continued by their ids, on this device or another.
 *
 * Throws what ends the worker: xgrammar fails only by being aborted, and cannot be trusted afterwards.
 */
export async function generateShaped(
  parts: ShapedAnswerParts,
  format: ResponseFormat,
  { promptIds, prefixIds, maxTokens, sampling }: WorkerGenerateRequest,
  { onToken, yieldToMessages }: Pick<GenerationRun, 'onToken' | 'yieldToMessages'>,
  signal: AbortSignal,
): Promise<Result<FinishReason>> {
  const { engine, modelId, template, processor, turns, cache, rules, vocabularySize, contextTokens } = parts;
  const { endTokenId, otherEndIds } = rules;
  if (prefixIds.length > 0) return fail('unsupported_shape', 'An answer in a given form cannot be continued.');
  const sampled = checkSampling(sampling);
  if (!sampled.ok) return sampled;
  if (!promptIds.every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize))
    return fail('unknown_token', 'The text has tokens that this model does not have.');
  if (promptIds.length === 0) return fail('prompt_empty', 'There is nothing to answer.');
  const limit = Math.min(maxTokens, contextTokens - promptIds.length);
  if (!(limit >= 1))
    return fail('prompt_too_long', `The question is too long for this model: it holds ${contextTokens} tokens in all.`);

  const rule: DecisionRule = sampling === undefined ? rules.decision : { ...rules.decision, sampling };
  const answer: number[] = [];
  let told = 0;
  let stuck = false;
  const deltas = createTextDeltas('');
  const tell = (): void => {
    for (; told < answer.length; told++) {
      const ids = answer.slice(0, told + 1);
      const last = ids[told] === endTokenId || ids.length >= limit;
      onToken({ id: ids[told]!, text: deltas.next(parts.decode(ids), last) });
    }
  };
  const tooHard = () => fail('unsupported_shape', 'The form became too hard to hold to; a simpler one may do.');

  await turns.take('answer', { signal });
  const interrupt = (): void => void engine.interruptGenerate();
  signal.addEventListener('abort', interrupt);
  try {
    cache.forget();
    template.system_prefix_token_ids = [...promptIds];
    processor.chooseBy(
      (logits) => {
        const { chosenId } = decide(rule, logits, answer.length);
        stuck = logits[chosenId]! < FORBIDDEN_BELOW;
        return chosenId;
      },
      (id) => answer.push(otherEndIds.includes(id) ? endTokenId : id),
    );
    const chunks = await engine.chatCompletion({
      model: modelId,
      messages: [{ role: 'user', content: '' }],
      stream: true,
      max_tokens: limit,
      response_format: format,
    });
    let sinceMs: number | null = null;
    for await (const _ of chunks) {
      tell();
      turns.tick();
      await yieldToMessages();
      if (signal.aborted) return ok('cancelled');
      if (sinceMs !== null && parts.nowMs() - sinceMs > SLOW_TOKEN_MS) return tooHard();
      sinceMs = parts.nowMs();
    }
    tell();
    if (signal.aborted) return ok('cancelled');
    return ok(answer.at(-1) === endTokenId ? 'stop' : 'length');
  } catch (error) {
    // The grammar allows nothing more, and web-llm refuses the token that was forced nonetheless: all else is as it was.
    if (stuck) return tooHard();
    throw error;
  } finally {
    signal.removeEventListener('abort', interrupt);
    turns.leave();
  }
}
