import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { payloadSchema } from '#core/jobs/batch/payload';

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const keywordExtractOutputSchema = v.strictObject({
  /** By count down, then term up. */
  keywords: v.array(v.strictObject({ term: v.string(), count: countSchema })),
  /** Different terms, stop words left out. */
  unique_terms: countSchema,
  /** All terms, stop words left out. */
  total_terms: countSchema,
});

export type KeywordExtractOutput = v.InferOutput<typeof keywordExtractOutputSchema>;

export const DEFAULT_KEYWORD_LIMIT = 10;
export const MAX_KEYWORD_LIMIT = 50;

/** The most frequent terms of the payload's non-blank `text`, at most `limit` (1 to 50, default 10). */
export const keywordExtract = defineCapability<unknown, KeywordExtractOutput>({
  id: 'keyword_extract@1',
  input: payloadSchema,
  output: keywordExtractOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});

const KEYWORDS_PER_UNIT = 5;
const MAX_UNITS = 5;

/** Units for a valid output: one, and one for each begun five keywords, at most five in all. */
export const keywordExtractUnits = (output: KeywordExtractOutput): number =>
  Math.min(MAX_UNITS, 1 + Math.ceil(output.keywords.length / KEYWORDS_PER_UNIT));

export const keywordExtractText = (output: KeywordExtractOutput): string =>
  output.keywords.length === 0
    ? 'No keywords.'
    : output.keywords.map(({ term, count }) => `${term} (${count})`).join(', ');
