import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { payloadSchema } from '#core/jobs/batch/payload';

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const textChunkOutputSchema = v.strictObject({
  /** In order; their texts joined are the text. */
  chunks: v.array(v.strictObject({ index: countSchema, text: v.string(), character_count: countSchema })),
  chunk_count: countSchema,
  character_count: countSchema,
});

export type TextChunkOutput = v.InferOutput<typeof textChunkOutputSchema>;

export const DEFAULT_CHUNK_CHARACTERS = 120;
export const MAX_CHUNK_CHARACTERS = 1_000;

/** Cuts the payload's `text` into pieces of at most `max_chars` code points (1 to 1000, default 120), at white space where there is some. */
export const textChunk = defineCapability<unknown, TextChunkOutput>({
  id: 'text_chunk@1',
  input: payloadSchema,
  output: textChunkOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});

const CHUNKS_PER_UNIT = 2;
const MAX_UNITS = 5;

/** Units for a valid output: one, and one for each begun two chunks, at most five in all. */
export const textChunkUnits = (output: TextChunkOutput): number =>
  Math.min(MAX_UNITS, 1 + Math.ceil(output.chunk_count / CHUNKS_PER_UNIT));

export const textChunkText = (output: TextChunkOutput): string =>
  output.chunks.map(({ index, text }) => `${index + 1}. ${text}`).join('\n');
