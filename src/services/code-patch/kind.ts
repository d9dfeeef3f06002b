import { hex } from '#core/base/bytes';
import { encodeCanonical, sha256 } from '#core/base/canonical';
import { byCodePoint } from '#core/base/text';
import { applyPatch } from '#core/experts/objective/apply-patch';
import { parseDiff } from '#core/experts/objective/parse-diff';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { codePatch, type CodePatchInput, type CodePatchOutput } from './contract';

/** By the work, not by the lines: a patch that is paid by its length grows. */
const UNITS = 4;

const digestOf = (value: unknown): string => hex(sha256(encodeCanonical(value)));

/** Equal for patches that leave equal files, however they are written; a patch that does not fit is equal to itself only. */
function resultKey({ brief }: CodePatchInput, { diff }: CodePatchOutput): string {
  const patched = applyPatch(brief.files, diff);
  if (!patched.ok) return digestOf(['diff', diff]);
  const files = patched.value.files.toSorted((a, b) => byCodePoint(a.path, b.path));
  return digestOf(['files', files.map(({ path, text }) => [path, text])]);
}

/** Lines added and lines removed together; of what is no diff, all that it has. */
function changedLines({ diff }: CodePatchOutput): number {
  const changes = parseDiff(diff);
  if (!changes.ok) return diff.split('\n').length;
  const lines = changes.value.flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines));
  return lines.filter(({ kind }) => kind !== 'kept').length;
}

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
  combining: { rule: 'patch', key: resultKey, changedLines },
};
