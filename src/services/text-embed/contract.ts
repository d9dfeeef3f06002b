import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { payloadSchema } from '#core/jobs/batch/payload';

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const MIN_DIMENSIONS = 2;
export const MAX_DIMENSIONS = 64;
export const DEFAULT_DIMENSIONS = 8;

export const textEmbedOutputSchema = v.strictObject({
  dimensions: v.pipe(v.number(), v.safeInteger(), v.minValue(MIN_DIMENSIONS), v.maxValue(MAX_DIMENSIONS)),
  /** Terms, stop words included. */
  token_count: countSchema,
  unique_terms: countSchema,
  /** How many terms fell into each bucket; their sum is `token_count`. */
  vector: v.pipe(v.array(countSchema), v.maxLength(MAX_DIMENSIONS)),
});

export type TextEmbedOutput = v.InferOutput<typeof textEmbedOutputSchema>;

/** Counts the terms of the payload's non-blank `text` in `dimensions` hash buckets (2 to 64, default 8). It knows nothing of meaning. */
export const textEmbed = defineCapability<unknown, TextEmbedOutput>({
  id: 'text_embed@1',
  input: payloadSchema,
  output: textEmbedOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});

const TERMS_PER_UNIT = 10;
const DIMENSIONS_PER_UNIT = 16;
const MAX_UNITS = 6;

/** Units for a valid output: one, one for each begun ten terms and one for each begun sixteen dimensions, at most six in all. */
export const textEmbedUnits = (output: TextEmbedOutput): number =>
  Math.min(
    MAX_UNITS,
    1 + Math.ceil(output.token_count / TERMS_PER_UNIT) + Math.ceil(output.dimensions / DIMENSIONS_PER_UNIT),
  );

export const textEmbedText = (output: TextEmbedOutput): string =>
  `[${output.vector.join(', ')}] from ${output.token_count} terms, ${output.unique_terms} different`;
