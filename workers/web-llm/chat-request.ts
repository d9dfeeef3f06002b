import { fail, ok, type Result } from '#core/base/result';
import { checkSampling } from '#core/engines/check-sampling';
import type { WorkerGenerateRequest } from '#core/engines/worker-protocol';
import type { GenerationRules } from '../transformers/generation';
import type { ConversationTemplate, Engine } from './engine';
import type { KeyValueCache } from './key-value-cache';
import type { TokenProcessor } from './token-processor';
import type { Turns } from './turns';

/** What the answers share that go by web-llm's chat requests. */
export interface ChatRequestParts {
  readonly engine: Engine;
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

/** The one empty message of every chat request. */
export const emptyMessages = () => [{ role: 'user' as const, content: '' }];

/** How many tokens the answer may have. Codes: `sampling_malformed`, `unknown_token`, `prompt_empty`, `prompt_too_long`. */
export function limitOf(
  { vocabularySize, contextTokens }: Pick<ChatRequestParts, 'vocabularySize' | 'contextTokens'>,
  { promptIds, prefixIds, maxTokens, sampling }: WorkerGenerateRequest,
): Result<number> {
  const sampled = checkSampling(sampling);
  if (!sampled.ok) return sampled;
  if (![...promptIds, ...prefixIds].every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize))
    return fail('unknown_token', 'The text has tokens that this model does not have.');
  if (promptIds.length === 0) return fail('prompt_empty', 'There is nothing to answer.');
  const limit = Math.min(maxTokens, contextTokens - promptIds.length);
  // Not `limit < 1`: a limit that is no number is refused, too.
  if (!(limit >= 1))
    return fail('prompt_too_long', `The question is too long for this model: it holds ${contextTokens} tokens in all.`);
  return ok(limit);
}
