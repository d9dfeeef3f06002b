import { cosineOf, vectorOfBytes } from '#core/engines/vector-bytes';
import { MIN_COSINE } from '#core/experts/objective/encoder-check';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { embedTexts, type EmbedInput, type EmbedOutput } from './contract';

const TEXTS_PER_UNIT = 8;

/** Vectors of one model that are the same but for rounding. */
const alike = (a: EmbedOutput, b: EmbedOutput): boolean =>
  a.model.hash === b.model.hash &&
  a.vectors.length === b.vectors.length &&
  a.vectors.every(
    ({ vector }, at) => cosineOf(vectorOfBytes(vector), vectorOfBytes(b.vectors[at]!.vector)) >= MIN_COSINE,
  );

/** What the pipeline knows of `embed.texts@1`: done again, within a tolerance, by whoever holds the same model. */
export const embedKind: WorkKind<EmbedInput, EmbedOutput, WorkSign> = {
  capability: embedTexts,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction({ model, texts }, output) {
    if (model !== undefined && output.model.id !== model) return 'other_model';
    return output.vectors.length === texts.length ? null : 'vectors_missing';
  },
  text: ({ vectors }) =>
    `${vectors.length} ${vectors.length === 1 ? 'vector' : 'vectors'} of ${vectorOfBytes(vectors[0]?.vector ?? new Uint8Array()).length} numbers`,
  model: ({ model }) => model,
  tokens: () => null,
  units: (_input, { vectors }) => Math.ceil(vectors.length / TEXTS_PER_UNIT),
  combining: { rule: 'alike', alike },
};
