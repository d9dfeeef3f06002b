import { expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { diffOf } from './diff-text';
import { parseDiff } from './parse-diff';
import { PATCH_RULES, violationsOfPolicy } from './patch-policy';
import type { PatchPolicy } from './patch-brief';

const before = [
  { path: 'src/a.js', text: 'one\n' },
  { path: 'src/deep/b.js', text: 'two\n' },
  { path: 'other/c.js', text: 'three\n' },
  { path: 'tests/a.test.js', text: 'test\n' },
];
const policy: PatchPolicy = {
  changeable: ['src/**', 'lib.js', 'tests/**'],
  maxFiles: 2,
  maxLines: 6,
  mayCreate: true,
  mayDelete: true,
  forbidden: ['tabmesh:test'],
};
const tests = { files: ['tests/a.test.js'], chosen: ['t'], declaredFailing: [], others: [], seed: 0 };

/** Everything that is wrong with setting these texts (null: deleting). */
function wrongWith(texts: Readonly<Record<string, string | null>>, changed: Partial<PatchPolicy> = {}) {
  const after = [
    ...before.filter(({ path }) => !(path in texts)),
    ...Object.entries(texts).flatMap(([path, text]) => (text === null ? [] : [{ path, text }])),
  ];
  const changes = unwrap(parseDiff(diffOf(before, after)));
  return violationsOfPolicy({ tests, policy: { ...policy, ...changed } }, changes);
}

/** The first code. */
const codeOf = (...given: Parameters<typeof wrongWith>): string => wrongWith(...given)[0]?.code ?? 'ok';

it('a patch may change what the policy names: a file, or a folder with what lies below it', () => {
  expect(codeOf({ 'src/a.js': '1\n' })).toBe('ok');
  expect(codeOf({ 'src/deep/b.js': '2\n' })).toBe('ok');
  expect(codeOf({ 'lib.js': 'new\n' })).toBe('ok');
  for (const path of ['other/c.js', 'lib.js/x.js', 'libxjs', 'srcx/a.js', 'src', 'package.json'])
    expect(codeOf({ [path]: 'x\n' })).toBe('path_not_allowed');
});

it('a patch never changes the tests that judge it, whatever the policy names', () => {
  expect(codeOf({ 'tests/a.test.js': 'easier\n' })).toBe('test_changed');
  expect(codeOf({ 'tests/a.test.js': null })).toBe('test_changed');
  expect(codeOf({ 'tests/fixture.js': 'x\n' })).toBe('ok');
});

it('a patch creates and deletes only where it may', () => {
  expect(codeOf({ 'src/new.js': 'x\n' }, { mayCreate: false })).toBe('file_created');
  expect(codeOf({ 'src/a.js': null }, { mayDelete: false })).toBe('file_deleted');
  expect(codeOf({ 'src/a.js': null })).toBe('ok');
});

it('a patch changes no more files and lines than it may, added and removed ones together', () => {
  expect(codeOf({ 'src/a.js': '1\n', 'src/deep/b.js': '2\n' })).toBe('ok');
  expect(codeOf({ 'src/a.js': '1\n', 'src/deep/b.js': '2\n', 'lib.js': '3\n' })).toBe('too_many_files');
  expect(codeOf({ 'src/a.js': '1\n2\n3\n4\n5\n' })).toBe('ok');
  expect(codeOf({ 'src/a.js': '1\n2\n3\n4\n5\n6\n' })).toBe('too_many_lines');
});

it('a patch adds no line that nobody reads', () => {
  expect(codeOf({ 'src/a.js': `${'x'.repeat(400)}\n` })).toBe('ok');
  expect(codeOf({ 'src/a.js': `${'x'.repeat(401)}\n` })).toBe('line_too_long');
});

it('a patch adds no characters that hide what it does', () => {
  for (const hidden of ['\u202e', '\u2066', '\u200b', '\ufeff', '\u0008', '\u001b', '\u{e0041}', 'a\rb'])
    expect(codeOf({ 'src/a.js': `x${hidden}y\n` })).toBe('hidden_text');
  // Names and parts of names that show as nothing, and marks that may spell whatever they like.
  for (const unseen of ['\u3164', '\u115f', '\u1160', '\uffa0', '\u034f', '\u17b4', '\u180b', '\ufe00', '\u{e0100}'])
    expect(codeOf({ 'src/a.js': `const { seen,${unseen}} = given;\n` })).toBe('hidden_text');
  expect(codeOf({ 'src/a.js': '\tétude 😀 ⚠️ 한글 日本\r\n' })).toBe('ok');
});

it('a patch adds no forbidden text, and may remove it', () => {
  expect(codeOf({ 'src/a.js': "import 'tabmesh:test';\n" })).toBe('forbidden_text');
  expect(codeOf({ 'src/a.js': '1\n' }, { forbidden: ['one'] })).toBe('ok');
});

it('a patch that goes too far in several ways is told all of them, each with what goes too far', () => {
  const texts = {
    'src/a.js': null,
    'other/c.js': '3\n',
    'tests/a.test.js': `${'x'.repeat(401)}one\u200b\n`,
    'new.js': '1\n',
  };
  const strict = {
    changeable: ['src/**'],
    mayCreate: false,
    mayDelete: false,
    maxLines: 1,
    forbidden: ['one', 'none'],
  };
  const wrong = wrongWith(texts, strict);
  expect(wrong.map(({ code }) => code)).toEqual(PATCH_RULES.map(({ name }) => name));
  const said = Object.fromEntries(wrong.map(({ code, sentence }) => [code, sentence]));
  expect(said['path_not_allowed']).toBe('The patch may not touch new.js, other/c.js, tests/a.test.js.');
  expect(said['too_many_files']).toBe('The patch changes too many files: 4, where 2 are allowed.');
  expect(said['forbidden_text']).toBe('The patch adds “one”, which it may not.');
});
