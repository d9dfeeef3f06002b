import type { WorkspaceFile } from '../../engines/sandbox';
import { linesOf } from './apply-patch';

const CONTEXT_LINES = 3;
/** Beyond this many comparisons the middle of a file is replaced as a whole. */
const MAX_COMPARISONS = 1_000_000;

interface Edit {
  readonly kind: ' ' | '-' | '+';
  readonly line: string;
}

/** The edits from one list of lines to another, as few as there can be. */
function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail))
    tail++;
  const kept = (lines: readonly string[]): Edit[] => lines.map((line) => ({ kind: ' ', line }));
  return [
    ...kept(before.slice(0, head)),
    ...middleEdits(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...kept(before.slice(before.length - tail)),
  ];
}

function middleEdits(before: readonly string[], after: readonly string[]): Edit[] {
  const [rows, columns] = [before.length, after.length];
  const edits: Edit[] = [];
  const remove = (at: number) => edits.push({ kind: '-', line: before[at]! });
  const add = (at: number) => edits.push({ kind: '+', line: after[at]! });
  if (rows * columns > MAX_COMPARISONS) {
    before.forEach((_, at) => remove(at));
    after.forEach((_, at) => add(at));
    return edits;
  }
  // Longest common subsequence of what is left from each pair of places on.
  const common = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  for (let row = rows - 1; row >= 0; row--)
    for (let column = columns - 1; column >= 0; column--)
      common[row]![column] =
        before[row] === after[column]
          ? common[row + 1]![column + 1]! + 1
          : Math.max(common[row + 1]![column]!, common[row]![column + 1]!);
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    if (row < rows && column < columns && before[row] === after[column]) {
      edits.push({ kind: ' ', line: before[row]! });
      row += 1;
      column += 1;
    } else if (row < rows && (column === columns || common[row + 1]![column]! >= common[row]![column + 1]!))
      remove(row++);
    else add(column++);
  }
  return edits;
}

const written = ({ kind, line }: Edit): string =>
  line.endsWith('\n') ? kind + line : `${kind}${line}\n\\ No newline at end of file\n`;

/** A file's changes as a unified diff that `parseDiff` reads; empty when there are none. Null as text: there is no such file. */
export function diffOfFile(path: string, before: string | null, after: string | null): string {
  const edits = editsBetween(linesOf(before ?? ''), linesOf(after ?? ''));
  const changed = edits.flatMap(({ kind }, at) => (kind === ' ' ? [] : [at]));
  let diff = '';
  for (let next = 0; next < changed.length;) {
    const start = Math.max(0, changed[next]! - CONTEXT_LINES);
    let last = changed[next]!;
    while (next < changed.length && changed[next]! <= last + 2 * CONTEXT_LINES) last = changed[next++]!;
    const body = edits.slice(start, last + CONTEXT_LINES + 1);
    const count = (without: Edit['kind'], of: readonly Edit[]): number =>
      of.filter(({ kind }) => kind !== without).length;
    const [oldAt, newAt] = [count('+', edits.slice(0, start)), count('-', edits.slice(0, start))];
    const [oldCount, newCount] = [count('+', body), count('-', body)];
    const place = (at: number, lines: number): string => `${lines === 0 ? at : at + 1},${lines}`;
    diff += `@@ -${place(oldAt, oldCount)} +${place(newAt, newCount)} @@\n${body.map(written).join('')}`;
  }
  if (diff === '') return '';
  const head = (side: string, text: string | null): string => (text === null ? '/dev/null' : `${side}/${path}`);
  return `--- ${head('a', before)}\n+++ ${head('b', after)}\n${diff}`;
}

/** The changes from one workspace to another, file by file in the order of the paths. */
export function diffOf(before: readonly WorkspaceFile[], after: readonly WorkspaceFile[]): string {
  const textsIn = (files: readonly WorkspaceFile[]) => new Map(files.map(({ path, text }) => [path, text]));
  const [old, now] = [textsIn(before), textsIn(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return paths.map((path) => diffOfFile(path, old.get(path) ?? null, now.get(path) ?? null)).join('');
}
