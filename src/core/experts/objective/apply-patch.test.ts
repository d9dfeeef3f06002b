import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { applyPatch } from './apply-patch';
import { diffOf, diffOfFile } from './diff-text';
import { parseDiff } from './parse-diff';
import { MAX_DIFF_CHARACTERS } from './patch-brief';

const files = [
  { path: 'src/a.js', text: 'one\ntwo\nthree\nfour\n' },
  { path: 'src/b.js', text: 'last line without newline' },
];
const apply = (diff: string) => applyPatch(files, diff);
const codeOf = (diff: string): string => {
  const result = apply(diff);
  return result.ok ? 'ok' : result.error.code;
};
const textOf = (diff: string, path: string): string | undefined =>
  unwrap(apply(diff)).files.find((file) => file.path === path)?.text;

const good = '--- a/src/a.js\n+++ b/src/a.js\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n';

describe('a patch', () => {
  it('changes, creates and deletes files', () => {
    expect(textOf(good, 'src/a.js')).toBe('one\n2\nthree\nfour\n');
    expect(textOf('--- /dev/null\n+++ b/src/c.js\n@@ -0,0 +1,2 @@\n+x\n+y\n', 'src/c.js')).toBe('x\ny\n');
    const deletion =
      '--- a/src/b.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-last line without newline\n\\ No newline at end of file\n';
    expect(unwrap(apply(deletion)).files.map(({ path }) => path)).toEqual(['src/a.js']);
  });

  it('may stand as git writes it', () => {
    const head = 'diff --git a/src/a.js b/src/a.js\nindex 0123abcd..4567cdef 100644\n';
    expect(codeOf(head + good)).toBe('ok');
    expect(
      codeOf(
        `diff --git a/n.js b/n.js\nnew file mode 100644\nindex 0000000..4567cdef\n--- /dev/null\n+++ b/n.js\n@@ -0,0 +1 @@\n+x\n`,
      ),
    ).toBe('ok');
    expect(codeOf(good.replace('@@\n', '@@ function x() {\n'))).toBe('ok');
  });

  it('has several hunks, in order and at the places that the ones before them leave', () => {
    const two = '--- a/src/a.js\n+++ b/src/a.js\n@@ -1,1 +1,2 @@\n one\n+and\n@@ -4,1 +5,1 @@\n-four\n+4\n';
    expect(textOf(two, 'src/a.js')).toBe('one\nand\ntwo\nthree\n4\n');
    expect(codeOf(two.replace('+5,1', '+4,1'))).toBe('diff_mismatch');
    const backwards = '--- a/src/a.js\n+++ b/src/a.js\n@@ -4,1 +4,1 @@\n-four\n+4\n@@ -1,1 +1,1 @@\n-one\n+1\n';
    expect(codeOf(backwards)).toBe('diff_mismatch');
    const overlapping = '--- a/src/a.js\n+++ b/src/a.js\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n@@ -2,1 +2,1 @@\n-two\n+2\n';
    expect(codeOf(overlapping)).toBe('diff_mismatch');
  });

  it('fits only where every line is the one that it says, at exactly that line', () => {
    expect(codeOf(good.replace(' one', ' One'))).toBe('diff_mismatch');
    expect(codeOf(good.replace('-two', '-two '))).toBe('diff_mismatch');
    expect(codeOf(good.replace('-1,3 +1,3', '-2,3 +2,3'))).toBe('diff_mismatch');
    expect(codeOf(good.replace('-1,3 +1,3', '-9,3 +9,3'))).toBe('diff_mismatch');
    expect(codeOf('--- a/src/b.js\n+++ b/src/b.js\n@@ -1 +1 @@\n-last line without newline\n+x\n')).toBe(
      'diff_mismatch',
    );
    expect(
      codeOf(
        '--- a/src/b.js\n+++ b/src/b.js\n@@ -1 +1,2 @@\n last line without newline\n\\ No newline at end of file\n+x\n',
      ),
    ).toBe('diff_mismatch');
    expect(
      codeOf(
        '--- a/src/b.js\n+++ /dev/null\n@@ -1 +1 @@\n-last line without newline\n\\ No newline at end of file\n+x\n',
      ),
    ).toBe('diff_mismatch');
    expect(codeOf('--- a/src/none.js\n+++ b/src/none.js\n@@ -1 +1 @@\n-a\n+b\n')).toBe('no_such_file');
    expect(codeOf('--- /dev/null\n+++ b/src/a.js\n@@ -0,0 +1 @@\n+x\n')).toBe('file_exists');
  });

  it('is refused when its counts are not those of its lines', () => {
    for (const counts of ['-1,2 +1,3', '-1,4 +1,3', '-1,3 +1,2', '-1,3 +1,4', '-0,3 +1,3', '-1,3 +0,3'])
      expect(codeOf(good.replace('-1,3 +1,3', counts))).toBe('diff_malformed');
  });

  it('is refused when it is none', () => {
    for (const diff of [
      '',
      '\n',
      'hello',
      '@@ -1 +1 @@\n-a\n+b\n',
      '--- a/src/a.js\n',
      '--- a/src/a.js\n+++ b/src/a.js\n',
    ])
      expect(codeOf(diff)).toBe('diff_malformed');
    expect(codeOf(good.replace('@@ -1,3', '@@ -1,99999999'))).toBe('diff_malformed');
    expect(codeOf('--- a/src/a.js\n+++ b/src/a.js\n@@ -1 +1 @@\n one\n')).toBe('diff_malformed');
    expect(codeOf(`${good}trailing words\n`)).toBe('diff_malformed');
    expect(codeOf('--- src/a.js\n+++ src/a.js\n@@ -1 +1 @@\n-one\n+1\n')).toBe('diff_malformed');
    expect(codeOf('--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n')).toBe('diff_malformed');
  });

  it('is refused when it asks for more than lines: modes, links, renames, binary', () => {
    const body = good;
    for (const head of [
      'old mode 100644\nnew mode 100755\n',
      'new file mode 120000\n',
      'new file mode 100755\n',
      'index 0123abcd..4567cdef 120000\n',
      'similarity index 90%\nrename from src/a.js\nrename to src/z.js\n',
      'copy from src/a.js\ncopy to src/z.js\n',
      'Binary files a/x.png and b/x.png differ\n',
      'GIT binary patch\nliteral 5\n',
    ])
      expect(codeOf(`diff --git a/src/a.js b/src/a.js\n${head}${body}`)).toBe('diff_forbidden');
    expect(codeOf(good.replace('+++ b/src/a.js', '+++ b/src/z.js'))).toBe('diff_forbidden');
  });

  it('is refused when a path leads out of the workspace', () => {
    for (const path of [
      '../x.js',
      '/etc/passwd',
      'src/../../x.js',
      'src//x.js',
      'C:\\x.js',
      '.git/hooks/x',
      '__proto__',
      'src/a.js\t2024',
      '"src/a.js"',
    ])
      expect(codeOf(`--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+x\n`)).toBe('path_escapes');
    expect(codeOf('--- /dev/null\n+++ b/src/a.js/x.js\n@@ -0,0 +1 @@\n+x\n')).toBe('workspace_too_large');
    expect(codeOf('--- /dev/null\n+++ b/SRC/A.js\n@@ -0,0 +1 @@\n+x\n')).toBe('workspace_too_large');
  });

  it('is refused when it names a file twice, or is too large, or makes the workspace too large', () => {
    expect(codeOf(good + good)).toBe('file_twice');
    expect(codeOf(good + 'x'.repeat(MAX_DIFF_CHARACTERS))).toBe('diff_too_large');
    const full = { path: 'full.js', text: 'x'.repeat(65_000) };
    const more = `--- /dev/null\n+++ b/n.js\n@@ -0,0 +1 @@\n+${'y'.repeat(1_000)}\n`;
    expect(applyPatch([full], more)).toMatchObject({ error: { code: 'workspace_too_large' } });
    const many = Array.from({ length: 33 }, (_, at) => `--- /dev/null\n+++ b/n${at}.js\n@@ -0,0 +1 @@\n+x\n`).join('');
    expect(codeOf(many)).toBe('diff_too_large');
  });

  it('that turns any text into any other does just that', () => {
    const line = fc.constantFrom(
      '',
      'a',
      'b',
      '  a',
      '-',
      '+',
      ' ',
      '\\ No newline at end of file',
      '--- a/x',
      '@@ -1 +1 @@',
    );
    const text = fc
      .tuple(fc.array(line, { maxLength: 14 }), fc.boolean())
      .map(([lines, newline]) => lines.join('\n') + (newline && lines.length > 0 ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = diffOfFile('f.js', before, after);
        if (before === after) {
          expect(diff).toBe('');
          return;
        }
        const patched = unwrap(applyPatch([{ path: 'f.js', text: before }], diff));
        expect(patched.files).toEqual([{ path: 'f.js', text: after }]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('between two workspaces makes the one into the other', () => {
    const after = [
      { path: 'src/a.js', text: 'one\nthree\nfour\nfive\n' },
      { path: 'src/new.js', text: 'x' },
    ];
    const patched = unwrap(applyPatch(files, diffOf(files, after)));
    expect(new Map(patched.files.map(({ path, text }) => [path, text]))).toEqual(
      new Map(after.map(({ path, text }) => [path, text])),
    );
  });

  it('of random text is refused or applied, and never throws', () => {
    const part = fc.constantFrom(
      '--- a/src/a.js\n',
      '+++ b/src/a.js\n',
      '@@ -1,3 +1,3 @@\n',
      '@@ -1 +1 @@\n',
      ' one\n',
      '-two\n',
      '+2\n',
      ' three\n',
      '\\ No newline at end of file\n',
      'diff --git a/x b/x\n',
      '\n',
      'index 12..34\n',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 8 })), { maxLength: 12 }), (parts) => {
        const result = apply(parts.join(''));
        if (!result.ok) expect(result.error.code).toMatch(/^[a-z_]{1,48}$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('says in which line it is malformed', () => {
    expect(parseDiff('--- a/x\n+++ b/x\nhm\n')).toMatchObject({
      error: { message: expect.stringContaining('line 3') },
    });
  });
});
