import { utf8 } from '#core/base/bytes';
import type { WorkKind } from '#core/experts/work-kind';
import { llmChat, MAX_SEGMENTS, type ChatChunk, type ChatInput, type ChatOutput } from './contract';

const TOKENS_PER_UNIT = 50;
const MAX_UNITS = 5;
const TEMPLATE_TOKENS = 16;

/** What was asked last: judges and auditors see no more of the conversation. */
const lastQuestion = ({ messages }: ChatInput): string =>
  messages.findLast(({ role }) => role === 'user')?.text ?? messages.at(-1)!.text;

/** What the pipeline knows of `llm.chat@1`: it resumes by token ids and is checked by re-scoring. */
export const chatKind: WorkKind<ChatInput, ChatOutput, ChatChunk> = {
  capability: llmChat,
  check: 'rescore',
  checkCapability: 'check.rescore@1',
  progress({ ids, text, begin }) {
    return begin === undefined
      ? { ids, text }
      : { ids, text, resumedTokens: begin.resumedTokens, modelHash: begin.model.hash };
  },
  resume: (input, shownIds, modelHash, by) => ({
    ...input,
    resume: { modelHash, ids: [...shownIds], by: by.slice(0, MAX_SEGMENTS) },
  }),
  contradiction(input, output, streamedIds, streamedText) {
    if (input.model !== undefined && output.model.id !== input.model) return 'other_model';
    if (output.ids.length > input.maxTokens) return 'too_many_tokens';
    if (output.ids.length !== streamedIds.length || output.ids.some((id, index) => id !== streamedIds[index]))
      return 'streamed_ids_differ';
    return output.text === streamedText ? null : 'streamed_text_differs';
  },
  /** No tokenizer makes more tokens of a text than it has bytes; a template adds a few around each message. */
  mostTokens: ({ messages, maxTokens }) =>
    messages.reduce((sum, { text }) => sum + utf8(text).length + TEMPLATE_TOKENS, 0) + maxTokens,
  question: lastQuestion,
  text: (output) => output.text,
  model: ({ model }) => ({ id: model.id, hash: model.hash, engine: model.engine }),
  tokens: ({ promptIds, ids }) => ({ prompt: promptIds.length, completion: ids.length }),
  /** One for the answer and one per 50 tokens generated, a part counting as one; five at most. Tokens that another node had generated are not paid again. */
  units({ resume }, { model, ids }) {
    // By the tokens themselves, not by what the executor says it continued.
    const continued =
      resume !== undefined && resume.modelHash === model.hash && resume.ids.every((id, index) => id === ids[index]);
    const generated = ids.length - (continued ? resume.ids.length : 0);
    return Math.min(MAX_UNITS, 1 + Math.ceil(generated / TOKENS_PER_UNIT));
  },
  combining: { rule: 'pairwise', question: lastQuestion },
};
