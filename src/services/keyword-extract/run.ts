import { ok, type Result } from '#core/base/result';
import { byCodePoint, isBlank, termsOf } from '#core/base/text';
import { badPayload, integerField, payloadFields } from '#core/jobs/batch/payload';
import { DEFAULT_KEYWORD_LIMIT, MAX_KEYWORD_LIMIT, type KeywordExtractOutput } from './contract';

const STOP_WORDS: ReadonlySet<string> = new Set([
  'a',
  'an',
  'and',
  'are',
  'as',
  'for',
  'in',
  'is',
  'of',
  'on',
  'or',
  'the',
  'to',
  'with',
]);

export function runKeywordExtract(payload: unknown): Result<KeywordExtractOutput> {
  const fields = payloadFields('keyword_extract', payload);
  if (!fields.ok) return fields;
  const { text } = fields.value;
  if (typeof text !== 'string' || isBlank(text))
    return badPayload('The keyword_extract payload must have a text that is not blank.');
  const limit = integerField('keyword_extract', fields.value, 'limit', 1, MAX_KEYWORD_LIMIT, DEFAULT_KEYWORD_LIMIT);
  if (!limit.ok) return limit;
  const counts = new Map<string, number>();
  let total = 0;
  for (const term of termsOf(text)) {
    if (STOP_WORDS.has(term)) continue;
    counts.set(term, (counts.get(term) ?? 0) + 1);
    total += 1;
  }
  const ordered = [...counts].sort(([a, countA], [b, countB]) => countB - countA || byCodePoint(a, b));
  return ok({
    keywords: ordered.slice(0, limit.value).map(([term, count]) => ({ term, count })),
    unique_terms: counts.size,
    total_terms: total,
  });
}

export const keywordExtractPayloadFault = (payload: unknown): string | null =>
  runKeywordExtract(payload).ok ? null : 'malformed_keyword_extract_payload';
