import { ok, type Result } from '#core/base/result';
import { codePoints, countCodePoints, wordsOf } from '#core/base/text';
import { badPayload, payloadFields } from '#core/jobs/batch/payload';
import type { TextStatsOutput } from './contract';

const PREVIEW_CHARACTERS = 80;

export function runTextStats(payload: unknown): Result<TextStatsOutput> {
  const fields = payloadFields('text_stats', payload);
  if (!fields.ok) return fields;
  const { text } = fields.value;
  if (typeof text !== 'string') return badPayload('The text_stats payload must have a text.');
  const words = wordsOf(text);
  return ok({
    character_count: countCodePoints(text),
    word_count: words.length,
    line_count: text.split('\n').length,
    normalized_preview: codePoints(words.join(' ')).slice(0, PREVIEW_CHARACTERS).join(''),
  });
}

export const textStatsPayloadFault = (payload: unknown): string | null =>
  runTextStats(payload).ok ? null : 'missing_payload_text';
