import * as v from 'valibot';
import { idSchema, nodeIdSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { MAX_TEMPERATURE, NONCE_BYTES } from '#core/engines/sampling-limits';
import { bytesSchema } from '#core/wire/gate';

/** Longest question that is sent anywhere; the model's own context limits it further. */
export const MAX_MESSAGE_CHARACTERS = 4_000;
export const MAX_MESSAGES = 32;
export const MAX_OUTPUT_TOKENS = 1_024;
/** Executors of one answer: a request moves on at most a few times. */
export const MAX_SEGMENTS = 8;

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
  /** Absent: greedy. */
  sampling: v.optional(
    v.strictObject({
      /** Hundredths: 70 is a temperature of 0.7. */
      temperaturePercent: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TEMPERATURE * 100)),
      /** Fixed before it is known who answers; the seed of the draw is bound to it. */
      nonce: v.pipe(
        bytesSchema(NONCE_BYTES),
        v.check((bytes) => bytes.length === NONCE_BYTES, 'not a nonce'),
      ),
    }),
  ),
  /** Tokens that the requester already has, with the hash of the model that made them: the answer continues after them. */
  resume: v.optional(
    v.strictObject({
      modelHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      ids: tokenIdsSchema,
      /** Whose they are, ascending from position 0: the seeds under which sampled tokens can be checked. */
      by: v.pipe(
        v.array(
          v.strictObject({
            from: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_OUTPUT_TOKENS)),
            executor: nodeIdSchema,
            jobId: idSchema,
          }),
        ),
        v.maxLength(MAX_SEGMENTS),
      ),
    }),
  ),
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
  /** How many of them were resumed: the rest is the executor's own. */
  resumedTokens: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_OUTPUT_TOKENS)),
  /** Exactly what the ids decode to without special tokens. */
  text: v.pipe(v.string(), v.maxLength(16_384)),
  finish: v.picklist(['stop', 'length']),
});

export type ChatInput = v.InferOutput<typeof chatInputSchema>;
export type ChatChunk = v.InferOutput<typeof chatChunkSchema>;
export type ChatOutput = v.InferOutput<typeof chatOutputSchema>;

/** An answer from a language model, streamed token by token, greedy or drawn by a seed that others can follow. */
export const llmChat = defineCapability<ChatInput, ChatOutput, ChatChunk>({
  id: 'llm.chat@1',
  input: chatInputSchema,
  output: chatOutputSchema,
  chunk: chatChunkSchema,
  trust: 'member',
  timeoutMs: 120_000,
});
