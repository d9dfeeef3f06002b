import { violationsOf, type NamingRule, type Violation } from '../../ledger/rules/naming-rule';
import type { Rule } from '../../ledger/rules/rule';
import type { FileChange } from './parse-diff';
import type { PatchBrief } from './patch-brief';

/** Longer lines are not written by hand, and nobody reads them. */
const MAX_LINE_CHARACTERS = 400;

/**
 * Characters that show as nothing or turn the order of others around: code that reads otherwise than it runs
 * (CVE-2021-42574), and letters that nobody sees, which may be names. A tab is plain, and a carriage return at the end of a line;
 * so is the mark that gives a sign its colours.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;

const covers = (pattern: string, path: string): boolean =>
  pattern.endsWith('/**') ? path.startsWith(pattern.slice(0, -2)) : pattern === path;

interface PatchContext extends Pick<PatchBrief, 'tests' | 'policy'> {
  readonly changes: readonly FileChange[];
}

const pathsOf = (changes: readonly FileChange[], kind: FileChange['kind']): string[] =>
  changes.filter((one) => one.kind === kind).map(({ path }) => path);
const changedLines = ({ changes }: PatchContext) =>
  changes.flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines)).filter(({ kind }) => kind !== 'kept');
const addedLines = (context: PatchContext): string[] =>
  changedLines(context).flatMap(({ kind, text }) => (kind === 'added' ? [text.replace(/\r?\n$/, '')] : []));
const tooMany = (count: number, most: number): string[] =>
  count > most ? [`${count}, where ${most} are allowed`] : [];

/** What a patch may not do, whatever its tests say. Each rule looks at one thing, whatever the others found. */
export const PATCH_RULES: readonly (Rule<PatchContext> | NamingRule<PatchContext>)[] = [
  {
    name: 'test_changed',
    sentence: 'The patch changes …, by which it is judged.',
    wrong: ({ tests, changes }) => changes.map(({ path }) => path).filter((path) => tests.files.includes(path)),
  },
  {
    name: 'path_not_allowed',
    sentence: 'The patch may not touch ….',
    wrong: ({ policy, changes }) =>
      changes.map(({ path }) => path).filter((path) => !policy.changeable.some((pattern) => covers(pattern, path))),
  },
  {
    name: 'file_created',
    sentence: 'The patch may not create ….',
    wrong: ({ policy, changes }) => (policy.mayCreate ? [] : pathsOf(changes, 'created')),
  },
  {
    name: 'file_deleted',
    sentence: 'The patch may not delete ….',
    wrong: ({ policy, changes }) => (policy.mayDelete ? [] : pathsOf(changes, 'deleted')),
  },
  {
    name: 'too_many_files',
    sentence: 'The patch changes too many files: ….',
    wrong: ({ policy, changes }) => tooMany(changes.length, policy.maxFiles),
  },
  {
    name: 'too_many_lines',
    sentence: 'The patch changes too many lines: ….',
    wrong: (context) => tooMany(changedLines(context).length, context.policy.maxLines),
  },
  {
    name: 'line_too_long',
    sentence: `The patch adds a line of more than ${MAX_LINE_CHARACTERS} characters.`,
    holds: (context) => addedLines(context).every((line) => line.length <= MAX_LINE_CHARACTERS),
  },
  {
    name: 'hidden_text',
    sentence: 'The patch adds characters that a reader does not see.',
    holds: (context) => !addedLines(context).some((line) => HIDDEN.test(line)),
  },
  {
    name: 'forbidden_text',
    sentence: 'The patch adds …, which it may not.',
    wrong: (context) => {
      const added = addedLines(context);
      return context.policy.forbidden
        .filter((part) => added.some((line) => line.includes(part)))
        .map((part) => `“${part}”`);
    },
  },
];

/** Everything in which the patch goes beyond what it may do, in the order of `PATCH_RULES`. */
export const violationsOfPolicy = (
  { tests, policy }: Pick<PatchBrief, 'tests' | 'policy'>,
  changes: readonly FileChange[],
): readonly Violation[] => violationsOf(PATCH_RULES, { tests, policy, changes });
