import { summaryFault } from '#core/experts/objective/summary-check';
import type { WorkKind } from '#core/experts/work-kind';
import { MAX_QUESTION_CHARACTERS } from '../text-judge/contract';
import { textSummarize, type SummarizeChunk, type SummarizeInput, type SummarizeOutput } from './contract';

const TOKENS_PER_UNIT = 50;
const MAX_UNITS = 5;

/** What a judge of two summaries is asked: as much of the text as fits into a question. */
function judgedQuestion({ text, maxWords }: SummarizeInput): string {
  const asked = `Summarise this text in at most ${maxWords} words:\n\n`;
  // A surrogate at the cut would stand alone.
  return (asked + text.slice(0, MAX_QUESTION_CHARACTERS - asked.length)).replace(/[\ud800-\udbff]$/, '');
}

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
  combining: { rule: 'pairwise', question: judgedQuestion },
};
