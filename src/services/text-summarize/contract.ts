import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import type { ChatMessage } from '#core/engines/language-model';
import { summaryWarnings, type SummaryWarnings } from '#core/experts/objective/summary-check';
import { chatModelSchema, MAX_OUTPUT_TOKENS, tokenIdSchema, tokenIdsSchema } from '../llm-chat/contract';

const MAX_TEXT_CHARACTERS = 16_000;
const MAX_WORDS = 400;

export const summarizeInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEXT_CHARACTERS)),
  /** What the model is asked for; half as many again are still accepted. */
  maxWords: v.pipe(v.number(), v.integer(), v.minValue(5), v.maxValue(MAX_WORDS)),
  maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_OUTPUT_TOKENS)),
});

/** One generated token; the first chunk says which model runs. */
export const summarizeChunkSchema = v.strictObject({
  ids: v.pipe(v.array(tokenIdSchema), v.maxLength(1)),
  text: v.pipe(v.string(), v.maxLength(256)),
  begin: v.optional(v.strictObject({ model: chatModelSchema })),
});

/** The fields of a chat answer, so that it is scored again in the same way. Greedy. */
export const summarizeOutputSchema = v.strictObject({
  model: chatModelSchema,
  promptIds: v.pipe(v.array(tokenIdSchema), v.maxLength(8_192)),
  /** The end token too when the model chose it. */
  ids: tokenIdsSchema,
  /** Exactly what the ids decode to without special tokens. */
  text: v.pipe(v.string(), v.maxLength(16_384)),
  finish: v.picklist(['stop', 'length']),
});

export type SummarizeInput = v.InferOutput<typeof summarizeInputSchema>;
export type SummarizeChunk = v.InferOutput<typeof summarizeChunkSchema>;
export type SummarizeOutput = v.InferOutput<typeof summarizeOutputSchema>;

/** A text in fewer words, streamed token by token. */
export const textSummarize = defineCapability<SummarizeInput, SummarizeOutput, SummarizeChunk>({
  id: 'text.summarize@1',
  input: summarizeInputSchema,
  output: summarizeOutputSchema,
  chunk: summarizeChunkSchema,
  trust: 'member',
  timeoutMs: 120_000,
});

/** Numbers and names that a summary has and its text lacks: a warning to the reader, no proof of anything. */
export const warningsAbout = ({ text }: SummarizeInput, { text: summary }: SummarizeOutput): SummaryWarnings =>
  summaryWarnings(text, summary);

/** The prompt as every executor and every validator puts it to a model. */
export const summarizeMessages = ({ text, maxWords }: SummarizeInput): readonly ChatMessage[] => [
  {
    role: 'user',
    text: `Summarise the text in at most ${maxWords} words. Say only what the text says.\n\nText:\n"""\n${text}\n"""`,
  },
];
