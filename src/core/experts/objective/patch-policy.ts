import { fail, ok, type Result } from '../../base/result';
import type { FileChange } from './parse-diff';
import type { PatchBrief } from './patch-brief';

/** Longer lines are not written by hand, and nobody reads them. */
const MAX_LINE_CHARACTERS = 400;

/**
 * Characters that show as nothing or turn the order of others around: code that reads otherwise than it runs
 * (CVE-2021-42574). A tab is plain, and a carriage return at the end of a line.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

const covers = (pattern: string, path: string): boolean =>
  pattern.endsWith('/**') ? path.startsWith(pattern.slice(0, -2)) : pattern === path;

/**
 * Whether the patch stays within what it may do. Codes, in this order: `test_changed`, `path_not_allowed`,
 * `file_created`, `file_deleted`, `too_many_files`, `too_many_lines`, `line_too_long`, `hidden_text`, `forbidden_text`.
 */
export function checkPolicy(
  { tests, policy }: Pick<PatchBrief, 'tests' | 'policy'>,
  changes: readonly FileChange[],
): Result<void> {
  for (const { path, kind } of changes) {
    if (tests.files.includes(path)) return fail('test_changed', `The patch changes ${path}, which judges it.`);
    if (!policy.changeable.some((pattern) => covers(pattern, path)))
      return fail('path_not_allowed', `The patch may not touch ${path}.`);
    if (kind === 'created' && !policy.mayCreate) return fail('file_created', `The patch may not create ${path}.`);
    if (kind === 'deleted' && !policy.mayDelete) return fail('file_deleted', `The patch may not delete ${path}.`);
  }
  if (changes.length > policy.maxFiles)
    return fail('too_many_files', `The patch changes ${changes.length} files; ${policy.maxFiles} are allowed.`);
  const lines = changes.flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines));
  const changed = lines.filter(({ kind }) => kind !== 'kept');
  if (changed.length > policy.maxLines)
    return fail('too_many_lines', `The patch changes ${changed.length} lines; ${policy.maxLines} are allowed.`);
  for (const { kind, text } of changed) {
    if (kind !== 'added') continue;
    const line = text.replace(/\r?\n$/, '');
    if (line.length > MAX_LINE_CHARACTERS)
      return fail('line_too_long', `The patch adds a line of more than ${MAX_LINE_CHARACTERS} characters.`);
    if (HIDDEN.test(line)) return fail('hidden_text', 'The patch adds characters that a reader does not see.');
    const forbidden = policy.forbidden.find((part) => line.includes(part));
    if (forbidden !== undefined) return fail('forbidden_text', `The patch adds “${forbidden}”, which it may not.`);
  }
  return ok(undefined);
}
