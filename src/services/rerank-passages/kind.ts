import { SCORE_TOLERANCE_MILLI } from '#core/experts/objective/encoder-check';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { rerankPassages, type RerankInput, type RerankOutput } from './contract';

const PASSAGES_PER_UNIT = 16;

/** Scores of one model that are the same but for rounding. */
const alike = (a: RerankOutput, b: RerankOutput): boolean =>
  a.model.hash === b.model.hash &&
  a.scoresMilli.length === b.scoresMilli.length &&
  a.scoresMilli.every((score, at) => Math.abs(score - b.scoresMilli[at]!) <= SCORE_TOLERANCE_MILLI);

/** What the pipeline knows of `rerank.passages@1`: done again, within a tolerance, by whoever holds the same model. */
export const rerankKind: WorkKind<RerankInput, RerankOutput, WorkSign> = {
  capability: rerankPassages,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction({ model, passages }, output) {
    if (model !== undefined && output.model.id !== model) return 'other_model';
    return output.scoresMilli.length === passages.length ? null : 'scores_missing';
  },
  text: ({ order }) => order.map((place) => place + 1).join(', '),
  model: ({ model }) => model,
  tokens: () => null,
  units: (_input, { scoresMilli }) => Math.ceil(scoresMilli.length / PASSAGES_PER_UNIT),
  combining: { rule: 'alike', alike },
};
