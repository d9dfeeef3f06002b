import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { cosineOf, vectorOfBytes } from '#core/engines/vector-bytes';
import { workSignSchema, type WorkSign } from '#core/experts/objective/work-sign';
import { bytesSchema } from '#core/wire/gate';
import { chatModelSchema } from '../llm-chat/contract';

export const MAX_TEXTS = 32;
/** More than any model of this kind here reads of one text; the end is left out then. */
const MAX_TEXT_CHARACTERS = 8_000;
/** Of all texts together, so that a job fits into a message. */
export const MAX_CHARACTERS = 64_000;
const MAX_DIMENSIONS = 4_096;
const MAX_VECTOR_BYTES = MAX_DIMENSIONS * 4;
/** Of all vectors of one job: with its texts they travel in the message that asks for a check. 32 of 512 dimensions. */
export const MAX_VECTORS_BYTES = 65_536;
/** A vector of length 1 in single precision: its square may be off by the rounding of each of its numbers. */
const LENGTH_TOLERANCE = 1e-3;

/** Texts that a model reads whole. */
export const readTextsSchema = (most: number) =>
  v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEXT_CHARACTERS))),
    v.minLength(1),
    v.maxLength(most),
    v.check((texts) => texts.reduce((sum, { length }) => sum + length, 0) <= MAX_CHARACTERS, 'too much text in all'),
  );

export const embedInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  texts: readTextsSchema(MAX_TEXTS),
});

function isUnitVector(bytes: Uint8Array<ArrayBuffer>): boolean {
  const vector = vectorOfBytes(bytes);
  return bytes.length > 0 && bytes.length % 4 === 0 && Math.abs(cosineOf(vector, vector) - 1) <= LENGTH_TOLERANCE;
}

export const embedOutputSchema = v.strictObject({
  model: chatModelSchema,
  /** One per text, in their order. */
  vectors: v.pipe(
    v.array(
      v.strictObject({
        /** Little-endian singles of Euclidean length 1: the dot product of two is their cosine. */
        vector: v.pipe(bytesSchema(MAX_VECTOR_BYTES), v.check(isUnitVector, 'not a vector of length 1')),
        /** True when the text was longer than the model holds and its end was left out. */
        truncated: v.boolean(),
      }),
    ),
    v.maxLength(MAX_TEXTS),
    v.check(
      (vectors) => vectors.every(({ vector }) => vector.length === vectors[0]!.vector.length),
      'vectors of different dimensions',
    ),
    v.check(
      (vectors) => vectors.reduce((sum, { vector }) => sum + vector.length, 0) <= MAX_VECTORS_BYTES,
      'too many numbers in all',
    ),
  ),
});

export type EmbedInput = v.InferOutput<typeof embedInputSchema>;
export type EmbedOutput = v.InferOutput<typeof embedOutputSchema>;

/** How alike the first text is to each of the others, -1 to 1. */
export function likenessToFirst({ vectors }: Pick<EmbedOutput, 'vectors'>): number[] {
  const [first, ...others] = vectors.map(({ vector }) => vectorOfBytes(vector));
  return first === undefined ? [] : others.map((vector) => cosineOf(first, vector));
}

/** Turns texts into vectors: texts that mean alike get vectors with a large cosine. Those of two models do not compare. */
export const embedTexts = defineCapability<EmbedInput, EmbedOutput, WorkSign>({
  id: 'embed.texts@1',
  input: embedInputSchema,
  output: embedOutputSchema,
  chunk: workSignSchema,
  trust: 'member',
  timeoutMs: 60_000,
});
