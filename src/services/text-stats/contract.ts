import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { payloadSchema } from '#core/jobs/batch/payload';

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const textStatsOutputSchema = v.strictObject({
  /** Unicode code points. */
  character_count: countSchema,
  /** Runs without white space. */
  word_count: countSchema,
  /** Newlines (U+000A) and one. */
  line_count: countSchema,
  /** The words joined by one space, the first 80 code points of that. */
  normalized_preview: v.string(),
});

export type TextStatsOutput = v.InferOutput<typeof textStatsOutputSchema>;

/** Counts characters, words and lines of the payload's `text`. */
export const textStats = defineCapability<unknown, TextStatsOutput>({
  id: 'text_stats@1',
  input: payloadSchema,
  output: textStatsOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});

const CHARACTERS_PER_UNIT = 100;
const MAX_UNITS = 5;

/** Units for a valid output: one, and one for each begun hundred characters, at most five in all. */
export const textStatsUnits = (output: TextStatsOutput): number =>
  Math.min(MAX_UNITS, 1 + Math.ceil(output.character_count / CHARACTERS_PER_UNIT));

export const textStatsText = (output: TextStatsOutput): string =>
  `${output.character_count} characters, ${output.word_count} words, ${output.line_count} lines: ${output.normalized_preview}`;
