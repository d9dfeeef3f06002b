import { ok, type Result } from '#core/base/result';
import { codePoints, isWhiteSpace } from '#core/base/text';
import { badPayload, integerField, payloadFields } from '#core/jobs/batch/payload';
import { DEFAULT_CHUNK_CHARACTERS, MAX_CHUNK_CHARACTERS, type TextChunkOutput } from './contract';

export function runTextChunk(payload: unknown): Result<TextChunkOutput> {
  const fields = payloadFields('text_chunk', payload);
  if (!fields.ok) return fields;
  const { text } = fields.value;
  if (typeof text !== 'string') return badPayload('The text_chunk payload must have a text.');
  const most = integerField('text_chunk', fields.value, 'max_chars', 1, MAX_CHUNK_CHARACTERS, DEFAULT_CHUNK_CHARACTERS);
  if (!most.ok) return most;
  const points = codePoints(text);
  const chunks: TextChunkOutput['chunks'] = [];
  for (let start = 0; start < points.length;) {
    const end = cutAfter(points, start, most.value);
    chunks.push({ index: chunks.length, text: points.slice(start, end).join(''), character_count: end - start });
    start = end;
  }
  return ok({ chunks, chunk_count: chunks.length, character_count: points.length });
}

/** Where the chunk that begins at `start` ends: before white space, after the last white space inside, or at the limit. */
function cutAfter(points: readonly string[], start: number, most: number): number {
  const limit = start + most;
  if (limit >= points.length) return points.length;
  if (isWhiteSpace(points[limit]!)) return limit;
  for (let at = limit; at > start; at--) {
    if (isWhiteSpace(points[at - 1]!)) return at;
  }
  return limit;
}

export const textChunkPayloadFault = (payload: unknown): string | null =>
  runTextChunk(payload).ok ? null : 'malformed_text_chunk_payload';
