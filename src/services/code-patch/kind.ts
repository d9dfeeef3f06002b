import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { codePatch, type CodePatchInput, type CodePatchOutput } from './contract';

/** By the work, not by the lines: a patch that is paid by its length grows. */
const UNITS = 4;

/** What the pipeline knows of `code.patch@1`: judged by running its tests, for which nobody needs the model. */
export const codePatchKind: WorkKind<CodePatchInput, CodePatchOutput, WorkSign> = {
  capability: codePatch,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction: ({ model }, output) => (model !== undefined && output.model.id !== model ? 'other_model' : null),
  text: ({ diff }) => diff,
  // Only nodes with this very model would be asked to check it otherwise.
  model: () => null,
  tokens: () => null,
  units: () => UNITS,
};
