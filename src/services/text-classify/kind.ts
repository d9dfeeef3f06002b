import { bestShare } from '#core/experts/combining/best-share';
import { bestOf } from '#core/experts/objective/score-labels';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { textClassify, type ClassifyInput, type ClassifyOutput } from './contract';

/** What the pipeline knows of `text.classify@1`: a closed answer, scored again by whoever holds the same model. */
export const classifyKind: WorkKind<ClassifyInput, ClassifyOutput, WorkSign> = {
  capability: textClassify,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction({ model, labels }, output) {
    if (model !== undefined && output.model.id !== model) return 'other_model';
    if (!labels.some(({ label }) => label === output.label)) return 'unknown_label';
    if (output.scoresMilli === null) return null;
    if (output.scoresMilli.length !== labels.length) return 'scores_missing';
    return labels[bestOf(output.scoresMilli)]!.label === output.label ? null : 'score_mismatch';
  },
  text: ({ label }) => label,
  model: ({ model }) => model,
  tokens: () => null,
  units: () => 1,
  combining: {
    rule: 'vote',
    choice: ({ label }) => label,
    confidence: ({ scoresMilli }) => bestShare(scoresMilli),
  },
};
