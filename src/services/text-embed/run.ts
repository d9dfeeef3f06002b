import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { ok, type Result } from '#core/base/result';
import { isBlank, termsOf } from '#core/base/text';
import { badPayload, integerField, payloadFields } from '#core/jobs/batch/payload';
import { DEFAULT_DIMENSIONS, MAX_DIMENSIONS, MIN_DIMENSIONS, type TextEmbedOutput } from './contract';

export function runTextEmbed(payload: unknown): Result<TextEmbedOutput> {
  const fields = payloadFields('text_embed', payload);
  if (!fields.ok) return fields;
  const { text } = fields.value;
  if (typeof text !== 'string' || isBlank(text))
    return badPayload('The text_embed payload must have a text that is not blank.');
  const dimensions = integerField(
    'text_embed',
    fields.value,
    'dimensions',
    MIN_DIMENSIONS,
    MAX_DIMENSIONS,
    DEFAULT_DIMENSIONS,
  );
  if (!dimensions.ok) return dimensions;
  const terms = termsOf(text);
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  const vector = new Array<number>(dimensions.value).fill(0);
  for (const [term, count] of counts) vector[bucketOf(term, dimensions.value)]! += count;
  return ok({ dimensions: dimensions.value, token_count: terms.length, unique_terms: counts.size, vector });
}

/** The first eight bytes of the term's SHA-256 as one big-endian integer, modulo the number of buckets. */
function bucketOf(term: string, buckets: number): number {
  const digest = sha256(utf8(term));
  return Number(new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) % BigInt(buckets));
}

export const textEmbedPayloadFault = (payload: unknown): string | null =>
  runTextEmbed(payload).ok ? null : 'malformed_text_embed_payload';
