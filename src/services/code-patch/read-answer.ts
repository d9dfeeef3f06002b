import { fail, ok, type Result } from '#core/base/result';
import type { WorkspaceFile } from '#core/engines/sandbox';
import { linesOf } from '#core/experts/objective/apply-patch';
import { diffOf } from '#core/experts/objective/diff-text';

/** Longer texts are no patch for a workspace of this size; what a model says beyond is not looked at. */
const MAX_SAID_CHARACTERS = 32_768;
const MAX_HUNKS = 64;

interface LooseHunk {
  /** Line that the model says the hunk begins at, from 1; null when it says none. */
  readonly near: number | null;
  readonly old: readonly string[];
  readonly now: readonly string[];
}

interface LooseFile {
  readonly path: string;
  readonly created: boolean;
  readonly deleted: boolean;
  readonly hunks: LooseHunk[];
}

/** The diff in a model's text: what stands in the first fence that holds one, else the text itself. */
function diffLinesIn(text: string): readonly string[] {
  const lines = text.slice(0, MAX_SAID_CHARACTERS).split(/\r?\n/);
  const start = lines.findIndex((line, at) => line.startsWith('--- ') && lines[at + 1]?.startsWith('+++ '));
  if (start === -1) return [];
  const rest = lines.slice(start);
  const end = rest.findIndex((line) => line.startsWith('```'));
  return end === -1 ? rest : rest.slice(0, end);
}

/** A path as models write it: with or without `a/` and `b/`, perhaps with a date after it. */
const pathIn = (line: string): string =>
  line
    .slice(4)
    .split('\t')[0]!
    .trim()
    .replace(/^[ab]\//, '');

function looseFiles(lines: readonly string[]): LooseFile[] {
  const files: LooseFile[] = [];
  let old: string[] = [];
  let now: string[] = [];
  let near: number | null = null;
  const endHunk = (): void => {
    if (old.length + now.length > 0) files.at(-1)?.hunks.push({ near, old, now });
    [old, now, near] = [[], [], null];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line.startsWith('--- ') && lines[at + 1]?.startsWith('+++ ')) {
      endHunk();
      const [before, after] = [pathIn(line), pathIn(lines[at + 1]!)];
      const [created, deleted] = [before === '/dev/null', after === '/dev/null'];
      files.push({ path: created ? after : before, created, deleted, hunks: [] });
      at += 1;
    } else if (line.startsWith('@@')) {
      endHunk();
      const stated = /^@@ -(\d{1,7})/.exec(line)?.[1];
      near = stated === undefined ? null : Number(stated);
    } else if (files.length > 0) {
      if (line.startsWith('+')) now.push(line.slice(1));
      else if (line.startsWith('-')) old.push(line.slice(1));
      else if (line.startsWith(' ') || (line === '' && at < lines.length - 1)) {
        old.push(line.slice(1));
        now.push(line.slice(1));
      }
    }
  }
  endHunk();
  return files;
}

/** Where the lines stand, at or after `from`: the place nearest to the one that was said. */
function placeOf(lines: readonly string[], old: readonly string[], from: number, near: number | null): number | null {
  let best: number | null = null;
  for (let at = from; at + old.length <= lines.length; at++) {
    if (!old.every((line, index) => lines[at + index] === line)) continue;
    if (best === null || (near !== null && Math.abs(at + 1 - near) < Math.abs(best + 1 - near))) best = at;
  }
  return best;
}

/** A file's new text under loose hunks, or null where a hunk's lines are not in it. */
function patchLoosely(text: string, hunks: readonly LooseHunk[]): string | null {
  const lines = linesOf(text).map((line) => line.replace(/\n$/, ''));
  const result: string[] = [];
  let at = 0;
  for (const { old, now, near } of hunks) {
    // Blank lines around a hunk are how models separate things: they count only where they fit.
    const trimmed = [old, old.at(-1) === '' && now.at(-1) === '' ? old.slice(0, -1) : old];
    const found = trimmed
      .map((wanted) => ({ wanted, place: wanted.length === 0 ? null : placeOf(lines, wanted, at, near) }))
      .find(({ place }) => place !== null);
    if (found === undefined) return null;
    result.push(...lines.slice(at, found.place!), ...now.slice(0, now.length - (old.length - found.wanted.length)));
    at = found.place! + found.wanted.length;
  }
  result.push(...lines.slice(at));
  const ending = text === '' || text.endsWith('\n') ? '\n' : '';
  return result.length === 0 ? '' : result.join('\n') + ending;
}

/**
 * The patch that a model means. Small models find the right lines and miscount them, so counts and line numbers in what
 * they write are hints: each hunk is looked for by its lines, and the strict diff is made anew from the texts before and
 * after. Codes: `no_diff`, `diff_mismatch`.
 */
export function readPatch(files: readonly WorkspaceFile[], said: string): Result<string> {
  const loose = looseFiles(diffLinesIn(said)).filter(({ hunks }) => hunks.length > 0);
  if (loose.length === 0) return fail('no_diff', 'There is no unified diff in the answer.');
  if (loose.flatMap(({ hunks }) => hunks).length > MAX_HUNKS) return fail('no_diff', 'The diff has too many parts.');
  const textByPath = new Map(files.map(({ path, text }) => [path, text]));
  for (const { path, created, deleted, hunks } of loose) {
    if (deleted) {
      if (!textByPath.delete(path)) return fail('diff_mismatch', `There is no file ${path}.`);
      continue;
    }
    const text = textByPath.get(path);
    if (text === undefined) {
      if (!created) return fail('diff_mismatch', `There is no file ${path}.`);
      textByPath.set(
        path,
        hunks
          .flatMap(({ now }) => now)
          .map((line) => `${line}\n`)
          .join(''),
      );
      continue;
    }
    const patched = patchLoosely(text, hunks);
    if (patched === null) return fail('diff_mismatch', `The lines that the diff changes are not in ${path}.`);
    textByPath.set(path, patched);
  }
  const diff = diffOf(
    files,
    [...textByPath].map(([path, text]) => ({ path, text })),
  );
  return diff === '' ? fail('no_diff', 'The diff changes nothing.') : ok(diff);
}
