import { fail, ok, type Result } from '../../base/result';
import { workspaceSchema, type WorkspaceFile } from '../../engines/sandbox';
import { checkAgainst } from '../../wire/gate';
import { parseDiff, type FileChange } from './parse-diff';

/** When a patch fits the files. Each refusal says which file. */
export const FIT_RULES = {
  diff_mismatch: 'The patch does not fit: a file has other lines there than the patch says.',
  no_such_file: 'The patch changes a file that is not there.',
  file_exists: 'The patch creates a file that is already there.',
  workspace_too_large: 'With the patch the workspace breaks its own limits.',
} as const;

const refuse = (code: keyof typeof FIT_RULES, message: string) => fail(code, message);

export interface Patched {
  readonly files: WorkspaceFile[];
  readonly changes: readonly FileChange[];
}

/** The lines of a text, each with its newline; the last may have none. Joined they are the text again. */
export const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const mismatch = (path: string): Result<never> =>
  refuse('diff_mismatch', `The patch does not fit: ${path} has other lines there than the patch says.`);

/** The new text of one file. Every kept and removed line must be the one that stands there, at exactly that place. */
function patchText({ path, kind, hunks }: FileChange, text: string): Result<string> {
  const lines = linesOf(text);
  const result: string[] = [];
  let at = 0;
  for (const { oldAt, newAt, lines: body } of hunks) {
    if (oldAt < at || oldAt > lines.length) return mismatch(path);
    result.push(...lines.slice(at, oldAt));
    at = oldAt;
    if (result.length !== newAt) return mismatch(path);
    for (const line of body) {
      if (line.kind !== 'added' && lines[at++] !== line.text) return mismatch(path);
      if (line.kind !== 'removed') result.push(line.text);
    }
  }
  result.push(...lines.slice(at));
  if (result.slice(0, -1).some((line) => !line.endsWith('\n'))) return mismatch(path);
  return kind === 'deleted' && result.length > 0 ? mismatch(path) : ok(result.join(''));
}

/**
 * The workspace after the patch, or why it does not fit: no fuzz, nothing is guessed. Codes: those of `parseDiff`,
 * those of `FIT_RULES`.
 */
export function applyPatch(files: readonly WorkspaceFile[], diff: string): Result<Patched> {
  const parsed = parseDiff(diff);
  if (!parsed.ok) return parsed;
  const textByPath = new Map(files.map(({ path, text }) => [path, text]));
  for (const change of parsed.value) {
    const { path, kind } = change;
    const text = textByPath.get(path);
    if (kind === 'created' && text !== undefined) return refuse('file_exists', `${path} is already there.`);
    if (kind !== 'created' && text === undefined) return refuse('no_such_file', `There is no file ${path}.`);
    const patched = patchText(change, text ?? '');
    if (!patched.ok) return patched;
    if (kind === 'deleted') textByPath.delete(path);
    else textByPath.set(path, patched.value);
  }
  const after = [...textByPath].map(([path, text]) => ({ path, text }));
  const checked = checkAgainst(workspaceSchema, after);
  return checked.ok
    ? ok({ files: checked.value, changes: parsed.value })
    : refuse('workspace_too_large', FIT_RULES.workspace_too_large);
}
