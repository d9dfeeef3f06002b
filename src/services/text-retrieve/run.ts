import { boxedFloat } from '#core/base/boxed-float';
import { ok, type Result } from '#core/base/result';
import { byCodePoint, isBlank, termsOf } from '#core/base/text';
import { badPayload, integerField, isPlainObject, payloadFields } from '#core/jobs/batch/payload';
import type { TextRetrieveOutput } from './contract';

export function runTextRetrieve(payload: unknown): Result<TextRetrieveOutput> {
  const fields = payloadFields('text_retrieve', payload);
  if (!fields.ok) return fields;
  const { query, documents } = fields.value;
  const queryTerms = typeof query === 'string' ? [...new Set(termsOf(query))].sort(byCodePoint) : [];
  if (queryTerms.length === 0) return badPayload('The text_retrieve payload must have a query with at least one term.');
  if (!Array.isArray(documents) || documents.length === 0) {
    return badPayload('The text_retrieve payload must have a list of documents that is not empty.');
  }
  const limit = integerField('text_retrieve', fields.value, 'limit', 1, documents.length, documents.length);
  if (!limit.ok) return limit;
  const ids = new Set<string>();
  const matches: TextRetrieveOutput['matches'] = [];
  for (const [index, document] of (documents as unknown[]).entries()) {
    const { id, text } = isPlainObject(document) ? document : {};
    if (typeof id !== 'string' || isBlank(id) || typeof text !== 'string' || isBlank(text)) {
      return badPayload(
        `The text_retrieve payload's documents[${index}] must have an id and a text that are not blank.`,
      );
    }
    if (ids.has(id))
      return badPayload(`The text_retrieve payload's documents[${index}] has an id that is already taken.`);
    ids.add(id);
    const terms = new Set(termsOf(text));
    const matched = queryTerms.filter((term) => terms.has(term));
    matches.push({
      id,
      score: matched.length / queryTerms.length,
      matched_term_count: matched.length,
      matched_terms: matched,
    });
  }
  matches.sort((a, b) => b.score - a.score || b.matched_term_count - a.matched_term_count || byCodePoint(a.id, b.id));
  return ok({ query_terms: queryTerms, matches: matches.slice(0, limit.value) });
}

export const textRetrievePayloadFault = (payload: unknown): string | null =>
  runTextRetrieve(payload).ok ? null : 'malformed_text_retrieve_payload';

/** The output as it is hashed and written, with its scores as floats. */
export const withFloatScores = (output: TextRetrieveOutput): unknown => ({
  ...output,
  matches: output.matches.map((match) => ({ ...match, score: boxedFloat(match.score) })),
});
