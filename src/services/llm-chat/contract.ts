import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';

/** Longest question that is sent anywhere; the model's own context limits it further. */
export const MAX_MESSAGE_CHARACTERS = 4_000;
export const MAX_MESSAGES = 32;
export const MAX_OUTPUT_TOKENS = 1_024;

export const tokenIdSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000));
export const tokenIdsSchema = v.pipe(v.array(tokenIdSchema), v.maxLength(MAX_OUTPUT_TOKENS));

export const chatInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  messages: v.pipe(
    v.array(
      v.strictObject({
        role: v.picklist(['user', 'assistant']),
        text: v.pipe(v.string(), v.maxLength(MAX_MESSAGE_CHARACTERS)),
      }),
    ),
    v.minLength(1),
    v.maxLength(MAX_MESSAGES),
  ),
  maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_OUTPUT_TOKENS)),
  /** Tokens that the requester already has, with the hash of the model that made them: the answer continues after them. */
  resume: v.optional(v.strictObject({ modelHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), ids: tokenIdsSchema })),
});

export const chatModelSchema = v.strictObject({
  id: v.pipe(v.string(), v.maxLength(64)),
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  engine: v.pipe(v.string(), v.maxLength(64)),
});

/** One generated token; the first chunk of a run also says which model runs and whether it continues the resumed ids. */
export const chatChunkSchema = v.strictObject({
  ids: v.pipe(v.array(tokenIdSchema), v.maxLength(1)),
  text: v.pipe(v.string(), v.maxLength(256)),
  begin: v.optional(
    v.strictObject({ model: chatModelSchema, resumedTokens: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
  ),
});

export const chatOutputSchema = v.strictObject({
  model: chatModelSchema,
  promptIds: v.pipe(v.array(tokenIdSchema), v.maxLength(8_192)),
  /** All ids of the answer, resumed ones included, the end token too when the model chose it. */
  ids: tokenIdsSchema,
  /** Exactly what the ids decode to without special tokens. */
  text: v.pipe(v.string(), v.maxLength(16_384)),
  finish: v.picklist(['stop', 'length']),
});

export type ChatInput = v.InferOutput<typeof chatInputSchema>;
export type ChatChunk = v.InferOutput<typeof chatChunkSchema>;
export type ChatOutput = v.InferOutput<typeof chatOutputSchema>;

/** An answer from a language model, streamed token by token, greedy. */
export const llmChat = defineCapability<ChatInput, ChatOutput, ChatChunk>({
  id: 'llm.chat@1',
  input: chatInputSchema,
  output: chatOutputSchema,
  chunk: chatChunkSchema,
  trust: 'member',
  timeoutMs: 120_000,
});
