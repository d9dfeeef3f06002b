import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { preferenceOf, textJudge, type JudgeInput, type JudgeOutput } from './contract';

/** What the pipeline knows of `text.judge@1`: a closed answer, scored again by whoever holds the same model. */
export const judgeKind: WorkKind<JudgeInput, JudgeOutput, WorkSign> = {
  capability: textJudge,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction({ model }, output) {
    if (model !== undefined && output.model.id !== model) return 'other_model';
    return output.preference === preferenceOf(output.orders) ? null : 'preference_mismatch';
  },
  text: ({ preference }) => preference,
  model: ({ model }) => model,
  tokens: () => null,
  units: () => 1,
};
