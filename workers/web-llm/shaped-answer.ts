import type { ResponseFormat } from '@mlc-ai/web-llm';
import { fail, ok, type Result } from '#core/base/result';
import { decide, type DecisionRule } from '#core/engines/decision';
import type { FinishReason, OutputShape } from '#core/engines/language-model';
import { createTextDeltas } from '#core/engines/text-deltas';
import type { WorkerGenerateRequest } from '#core/engines/worker-protocol';
import type { GenerationRun } from '../transformers/generation';
import { emptyMessages, limitOf, type ChatRequestParts } from './chat-request';
import { readGrammarShape } from './grammar-shape';
import { readJsonShape } from './json-shape';

/** What a mask writes for a forbidden token is far below this, what a model computes far above. */
const FORBIDDEN_BELOW = -1e30;
/** A grammar that has grown so ambiguous takes longer with every token; a healthy device needs tenths of a second. */
const SLOW_TOKEN_MS = 5_000;

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
 * An answer in a given form. Only `chatCompletion` masks by a grammar; it sees one empty message, and the ids of the
 * prompt by way of the template. The rule of all other answers draws among what the mask leaves. Thinking is switched off
 * where the prompt is made (`enable_thinking` of the chat template): web-llm's own switch would append what the prompt
 * has already.
 *
 * Limits: a grammar begins at the first token, so such an answer cannot be continued from a prefix; and its run cannot be
 * taken out of the cache and put back, so checks wait for it (see `turns`). web-llm's crash-resume takes no grammar, so such
 * an answer is not kept either.
 *
 * Throws what ends the worker: xgrammar fails only by being aborted, and cannot be trusted afterwards.
 */
export async function generateShaped(
  parts: ChatRequestParts,
  format: ResponseFormat,
  request: WorkerGenerateRequest,
  { onToken, yieldToMessages }: Pick<GenerationRun, 'onToken' | 'yieldToMessages'>,
  signal: AbortSignal,
): Promise<Result<FinishReason>> {
  const { engine, modelId, template, processor, turns, cache, rules } = parts;
  const { endTokenId, otherEndIds } = rules;
  const { promptIds, prefixIds, sampling } = request;
  if (prefixIds.length > 0) return fail('unsupported_shape', 'An answer in a given form cannot be continued.');
  const limited = limitOf(parts, request);
  if (!limited.ok) return limited;
  const limit = limited.value;

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
      { taken: (id) => void answer.push(otherEndIds.includes(id) ? endTokenId : id) },
    );
    const chunks = await engine.chatCompletion({
      model: modelId,
      messages: emptyMessages(),
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
