import { summaryFault } from '#core/experts/objective/summary-check';
import type { WorkKind } from '#core/experts/work-kind';
import { textSummarize, type SummarizeChunk, type SummarizeInput, type SummarizeOutput } from './contract';

const TOKENS_PER_UNIT = 50;
const MAX_UNITS = 5;

/** What the pipeline knows of `text.summarize@1`: streamed and scored again as chat is, and within its bounds. */
export const summarizeKind: WorkKind<SummarizeInput, SummarizeOutput, SummarizeChunk> = {
  capability: textSummarize,
  check: 'rescore',
  checkCapability: 'check.rescore@1',
  progress: ({ ids, text, begin }) =>
    begin === undefined ? { ids, text } : { ids, text, resumedTokens: 0, modelHash: begin.model.hash },
  contradiction({ model, text: source, maxWords, maxTokens }, output, streamedIds, streamedText) {
    if (model !== undefined && output.model.id !== model) return 'other_model';
    if (output.ids.length > maxTokens) return 'too_many_tokens';
    if (output.ids.length !== streamedIds.length || output.ids.some((id, at) => id !== streamedIds[at]))
      return 'streamed_ids_differ';
    if (output.text !== streamedText) return 'streamed_text_differs';
    return summaryFault(source, output.text, maxWords);
  },
  text: ({ text }) => text,
  model: ({ model }) => model,
  tokens: ({ promptIds, ids }) => ({ prompt: promptIds.length, completion: ids.length }),
  units: (_input, { ids }) => Math.min(MAX_UNITS, 1 + Math.ceil(ids.length / TOKENS_PER_UNIT)),
};
