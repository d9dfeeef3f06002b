import * as v from 'valibot';
import { fail, ok, type Result } from '../../base/result';
import { workspacePathSchema } from '../../engines/sandbox';
import { MAX_DIFF_CHARACTERS } from './patch-brief';

const MAX_FILES = 32;
const MAX_HUNKS = 256;
const NO_NEWLINE = '\\ No newline at end of file';
const HUNK_HEAD = /^@@ -(\d{1,7})(?:,(\d{1,7}))? \+(\d{1,7})(?:,(\d{1,7}))? @@(?: .*)?$/;
/** What git may say about a file besides its lines, as far as it says nothing new. */
const HARMLESS_HEAD = /^(index [0-9a-f]{4,64}\.\.[0-9a-f]{4,64}( 100644)?|(new|deleted) file mode 100644)$/;

export interface DiffLine {
  readonly kind: 'kept' | 'removed' | 'added';
  /** With its newline, which only the last line of a file may lack. */
  readonly text: string;
}

export interface Hunk {
  /** Lines of the old and of the new file before it. */
  readonly oldAt: number;
  readonly newAt: number;
  readonly lines: readonly DiffLine[];
}

export interface FileChange {
  readonly path: string;
  readonly kind: 'changed' | 'created' | 'deleted';
  readonly hunks: readonly Hunk[];
}

/** How a patch is written, before anybody asks what it may do. Each refusal says more: the line, the path. */
export const DIFF_RULES = {
  diff_too_large: 'The patch is larger than a person would read.',
  diff_malformed: 'The patch is no unified diff, names no file or changes nothing.',
  diff_forbidden: 'The patch changes more than the lines of plain text files.',
  path_escapes: 'The patch names a path that is none inside the workspace.',
  file_twice: 'The patch changes a file twice.',
} as const;

/** A failure with its code, on the way out of the reader. */
interface Refusal {
  readonly code: keyof typeof DIFF_RULES;
  readonly message: string;
}

const refuse = (code: Refusal['code'], message: string) => fail(code, message);

/**
 * A unified diff as git writes it, and nothing else: `a/` and `b/` before the paths, exact counts, plain files of mode
 * 100644. Codes: those of `DIFF_RULES`; forbidden are modes, links, renames, binary.
 */
export function parseDiff(diff: string): Result<readonly FileChange[]> {
  if (diff.length > MAX_DIFF_CHARACTERS)
    return refuse('diff_too_large', `The patch has more than ${MAX_DIFF_CHARACTERS} characters.`);
  const lines = diff.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const reader = createReader(lines);
  const changes: FileChange[] = [];
  while (!reader.atEnd()) {
    const change = reader.file();
    if ('code' in change) return refuse(change.code, change.message);
    if (changes.some(({ path }) => path === change.path))
      return refuse('file_twice', `The patch changes ${change.path} twice.`);
    changes.push(change);
    if (changes.length > MAX_FILES) return refuse('diff_too_large', `The patch changes more than ${MAX_FILES} files.`);
  }
  return changes.length === 0 ? refuse('diff_malformed', 'The patch is empty.') : ok(changes);
}

function createReader(lines: readonly string[]) {
  let at = 0;
  let hunks = 0;
  const malformed = (what: string): Refusal => ({
    code: 'diff_malformed',
    message: `The patch is malformed in line ${at + 1}: ${what}.`,
  });

  /** Everything before `---`; it must not say more than the lines do. */
  function head(): Refusal | null {
    for (; at < lines.length; at++) {
      const line = lines[at]!;
      if (line.startsWith('--- ')) return null;
      if (line.startsWith('diff --git a/') || HARMLESS_HEAD.test(line)) continue;
      if (
        /^(old mode|new mode|new file mode|deleted file mode|similarity|dissimilarity|rename|copy|index|Binary|GIT)\b/.test(
          line,
        )
      )
        return { code: 'diff_forbidden', message: DIFF_RULES.diff_forbidden };
      return malformed('this is no part of a patch');
    }
    return malformed('it ends before a file');
  }

  function path(prefix: string): string | null | Refusal {
    const line = lines[at];
    if (line === undefined || !line.startsWith(`${prefix} `)) return malformed(`a line with ${prefix} is missing`);
    const name = line.slice(4);
    if (name === '/dev/null') {
      at += 1;
      return null;
    }
    const side = prefix === '---' ? 'a/' : 'b/';
    if (!name.startsWith(side)) return malformed(`the path does not begin with ${side}`);
    const found = name.slice(2);
    if (!v.is(workspacePathSchema, found)) return { code: 'path_escapes', message: DIFF_RULES.path_escapes };
    at += 1;
    return found;
  }

  function hunk(): Hunk | Refusal {
    const found = HUNK_HEAD.exec(lines[at]!);
    if (found === null) return malformed('a hunk begins with @@');
    if (++hunks > MAX_HUNKS) return malformed(`there are more than ${MAX_HUNKS} hunks`);
    const [oldStart, oldCount, newStart, newCount] = found.slice(1, 5).map((text) => Number(text ?? 1)) as [
      number,
      number,
      number,
      number,
    ];
    if ((oldCount > 0 && oldStart === 0) || (newCount > 0 && newStart === 0)) return malformed('lines count from 1');
    at += 1;
    let [oldLeft, newLeft] = [oldCount, newCount];
    const body: DiffLine[] = [];
    while (oldLeft > 0 || newLeft > 0) {
      const line = lines[at];
      const kind = line === undefined ? undefined : kinds[line[0] ?? ''];
      if (line === undefined || kind === undefined) return malformed('the hunk is shorter than it says');
      if (kind !== 'added') oldLeft -= 1;
      if (kind !== 'removed') newLeft -= 1;
      if (oldLeft < 0 || newLeft < 0) return malformed('the hunk is longer than it says');
      at += 1;
      const last = lines[at] === NO_NEWLINE;
      if (last) at += 1;
      body.push({ kind, text: line.slice(1) + (last ? '' : '\n') });
    }
    if (body.every((line) => line.kind === 'kept')) return malformed('the hunk changes nothing');
    return {
      oldAt: oldCount === 0 ? oldStart : oldStart - 1,
      newAt: newCount === 0 ? newStart : newStart - 1,
      lines: body,
    };
  }

  return {
    atEnd: () => at >= lines.length,
    file(): FileChange | Refusal {
      const refused = head();
      if (refused !== null) return refused;
      const before = path('---');
      if (typeof before === 'object' && before !== null) return before;
      const after = path('+++');
      if (typeof after === 'object' && after !== null) return after;
      const name = before ?? after;
      if (name === null) return malformed('it names no file');
      if (before !== null && after !== null && before !== after)
        return { code: 'diff_forbidden', message: 'The patch renames a file.' };
      const found: Hunk[] = [];
      while (at < lines.length && lines[at]!.startsWith('@@')) {
        const next = hunk();
        if ('code' in next) return next;
        found.push(next);
      }
      if (found.length === 0) return malformed('a file without a hunk');
      return { path: name, kind: before === null ? 'created' : after === null ? 'deleted' : 'changed', hunks: found };
    },
  };
}

const kinds: Readonly<Record<string, DiffLine['kind']>> = { ' ': 'kept', '-': 'removed', '+': 'added' };
