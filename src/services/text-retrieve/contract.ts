import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { payloadSchema } from '#core/jobs/batch/payload';

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const textRetrieveOutputSchema = v.strictObject({
  /** Sorted, each once. */
  query_terms: v.array(v.string()),
  /** By score down, matched terms down, id up. */
  matches: v.array(
    v.strictObject({
      id: v.string(),
      /** Matched terms over query terms: a float, also when it is 0 or 1. */
      score: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      matched_term_count: countSchema,
      matched_terms: v.array(v.string()),
    }),
  ),
});

export type TextRetrieveOutput = v.InferOutput<typeof textRetrieveOutputSchema>;

/** Ranks the payload's `documents` by how many of the `query`'s terms they contain, at most `limit` of them. */
export const textRetrieve = defineCapability<unknown, TextRetrieveOutput>({
  id: 'text_retrieve@1',
  input: payloadSchema,
  output: textRetrieveOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});

/** Units for a valid output. */
export const textRetrieveUnits = (): number => 1;

export const textRetrieveText = (output: TextRetrieveOutput): string =>
  output.matches
    .map((match) => `${match.id}: ${Math.round(match.score * 100)} % (${match.matched_terms.join(', ')})`)
    .join('\n');
