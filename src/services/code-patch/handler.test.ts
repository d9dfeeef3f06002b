import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { fail, ok, unwrap } from '#core/base/result';
import { applyPatch } from '#core/experts/objective/apply-patch';
import { openSandbox } from '#cli/open-sandbox';
import { diffOf } from '#core/experts/objective/diff-text';
import { createTurnModel } from '#tests/fakes/turn-model';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { codePatchInputSchema, codePatchOutputSchema, type CodePatchInput } from './contract';
import { createCodePatchHandler } from './handler';
import { codePatchKind } from './kind';
import { readPatch } from './read-answer';

const sandbox = openSandbox();
const SOURCE = [
  '// Numbers.',
  'export function add(a, b) {',
  '  return a - b;',
  '}',
  '',
  'export const one = 1;',
  '',
].join('\n');
const files = [
  { path: 'src/math.js', text: SOURCE },
  {
    path: 'tests/math.test.js',
    text: "import { test, expect } from 'tabmesh:test';\nimport { add } from '../src/math.js';\ntest('adds', () => expect(add(2, 3)).toBe(5));\n",
  },
];
const input: CodePatchInput = {
  instruction: 'Make add add.',
  brief: {
    files,
    tests: { files: ['tests/math.test.js'], chosen: ['adds'], declaredFailing: [], others: [], seed: 1 },
    policy: { changeable: ['src/**'], maxFiles: 1, maxLines: 10, mayCreate: false, mayDelete: false, forbidden: [] },
  },
  maxTokens: 2_000,
};
/** As small models write it: right lines, wrong numbers. */
const rough = (line: string): string =>
  `Sure!\n\`\`\`diff\n--- src/math.js\n+++ src/math.js\n@@ -12,9 +12,3 @@\n export function add(a, b) {\n-  return a - b;\n+  ${line}\n }\n\`\`\`\nThat should do it.`;
const right = rough('return a + b;');
const EASIER =
  "--- a/tests/math.test.js\n+++ b/tests/math.test.js\n@@ -1 +1 @@\n import { test, expect } from 'tabmesh:test';\n+// Easier.\n";

const run = (
  request: CodePatchInput,
  model: ReturnType<typeof createTurnModel>,
  signal = new AbortController().signal,
) =>
  createCodePatchHandler({ clock: createVirtualClock(), sandbox, model: async () => ok(model) })(request, {
    caller: 'f'.repeat(64),
    local: false,
    callId: 'call-1',
    signal,
    emit: () => {},
  });
const saysInTurn = (...answers: readonly string[]) => {
  let attempt = 0;
  return createTurnModel({ says: () => answers[Math.min(attempt++, answers.length - 1)]! });
};

describe('code.patch', () => {
  it('delivers a strict diff that makes the chosen tests pass', async () => {
    const output = unwrap(await run(input, saysInTurn(right)));
    expect(() => v.parse(codePatchOutputSchema, output)).not.toThrow();
    const patched = unwrap(applyPatch(files, output.diff)).files;
    expect(patched.find(({ path }) => path === 'src/math.js')?.text).toBe(SOURCE.replace('a - b', 'a + b'));
  });

  it('tells the model what failed, and tries again', async () => {
    for (const [wrong, told] of [
      [rough('return a * b;'), 'expected 6 to be 5'],
      ['I would add them.', 'no unified diff'],
      [right.replace('return a - b', 'return x - y'), 'are not in src/math.js'],
      [EASIER, 'by which it is judged'],
      [rough('for (;;);'), 'too many steps'],
    ] as const) {
      const model = saysInTurn(wrong, right);
      expect((await run(input, model)).ok).toBe(true);
      expect(model.prompts).toHaveLength(2);
      expect(model.prompts[1]).toContain(told);
    }
  });

  it('delivers nothing that does not pass here', async () => {
    const model = saysInTurn(rough('return 6;'));
    expect(await run(input, model)).toMatchObject({ error: { code: 'no_patch_found' } });
    expect(model.prompts).toHaveLength(3);
  });

  it('refuses a brief that leaves nothing to fix, before it asks the model', async () => {
    const model = saysInTurn(right);
    const solved = {
      ...input,
      brief: { ...input.brief, files: [{ path: 'src/math.js', text: SOURCE.replace('a - b', 'a + b') }, files[1]!] },
    };
    expect(await run(solved, model)).toMatchObject({ error: { code: 'bad_input' } });
    expect(model.prompts).toEqual([]);
  });

  it('shows the model the files, the tests that must pass and what it may change', async () => {
    const model = saysInTurn(right);
    await run(input, model);
    for (const part of [SOURCE, files[1]!.text, '- adds', 'src/**', 'Make add add.'])
      expect(model.prompts[0]).toContain(part);
  });

  it('ends in a failure when it was stopped, when the sandbox fails, or without a model', async () => {
    expect(await run(input, saysInTurn(right), AbortSignal.abort())).toMatchObject({ error: { code: 'cancelled' } });
    const context = {
      caller: 'f'.repeat(64),
      local: true,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    const clock = createVirtualClock();
    const broken = { ...sandbox, run: async () => fail('sandbox_timeout', 'Slow.') };
    const model = async () => ok(saysInTurn(right));
    expect(await createCodePatchHandler({ clock, sandbox: broken, model })(input, context)).toMatchObject({
      error: { code: 'sandbox_timeout' },
    });
    const none = async () => fail('unknown_model', 'None.');
    expect(await createCodePatchHandler({ clock, sandbox, model: none })(input, context)).toMatchObject({
      error: { code: 'unknown_model' },
    });
  });

  it('gives up when the conversation outgrows the model, saying what failed last', async () => {
    const first = unwrap(await saysInTurn('').encodePrompt([{ role: 'user', text: 'x'.repeat(1_400) }])).length;
    const model = createTurnModel({ identity: { contextTokens: first }, says: () => rough('return 6;') });
    expect(await run(input, model)).toMatchObject({
      error: { code: 'no_patch_found', message: expect.stringContaining('expected 6') },
    });
    const tiny = createTurnModel({ identity: { contextTokens: 10 } });
    expect(await run(input, tiny)).toMatchObject({ error: { code: 'prompt_too_long' } });
  });

  it('an oversized workspace does not pass the contract', () => {
    const large = {
      ...input,
      brief: { ...input.brief, files: [...files, { path: 'src/x.js', text: 'x'.repeat(66_000) }] },
    };
    expect(v.is(codePatchInputSchema, input)).toBe(true);
    expect(v.is(codePatchInputSchema, large)).toBe(false);
  });
});

describe('the patch that a model means', () => {
  const textAfter = (said: string, path = 'src/math.js'): string | undefined =>
    unwrap(applyPatch(files, unwrap(readPatch(files, said)))).files.find((file) => file.path === path)?.text;

  it('is found whatever its numbers, prefixes, fences and line ends', () => {
    const wanted = SOURCE.replace('a - b', 'a + b');
    expect(textAfter(right)).toBe(wanted);
    expect(textAfter(right.replaceAll('\n', '\r\n'))).toBe(wanted);
    expect(textAfter(right.replace(/```\w*/g, ''))).toBe(wanted);
    expect(
      textAfter(right.replace('--- src/', '--- a/src/').replace('+++ src/math.js', '+++ b/src/math.js\t2024-01-01')),
    ).toBe(wanted);
    expect(textAfter(right.replace('@@ -12,9 +12,3 @@', '@@ ... @@'))).toBe(wanted);
  });

  it('changes the place nearest to the one it names', () => {
    const twice = [{ path: 'a.js', text: 'x\ny\nx\ny\n' }];
    const diff = (line: number) =>
      unwrap(readPatch(twice, `--- a/a.js\n+++ b/a.js\n@@ -${line} +${line} @@\n-x\n+z\n`));
    expect(unwrap(applyPatch(twice, diff(1))).files[0]!.text).toBe('z\ny\nx\ny\n');
    expect(unwrap(applyPatch(twice, diff(4))).files[0]!.text).toBe('x\ny\nz\ny\n');
  });

  it('creates and deletes', () => {
    expect(textAfter('--- /dev/null\n+++ b/src/new.js\n@@ -0,0 +1 @@\n+x\n', 'src/new.js')).toBe('x\n');
    expect(textAfter('--- a/src/math.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n')).toBeUndefined();
  });

  it('is none where its lines or files are not there, or nothing changes', () => {
    const code = (said: string): string => {
      const read = readPatch(files, said);
      return read.ok ? 'ok' : read.error.code;
    };
    expect(code('')).toBe('no_diff');
    expect(code('--- a/src/math.js\n+++ b/src/math.js\n')).toBe('no_diff');
    expect(code('--- a/src/math.js\n+++ b/src/math.js\n@@ -1 +1 @@\n // Numbers.\n')).toBe('no_diff');
    expect(code('--- a/none.js\n+++ b/none.js\n@@ -1 +1 @@\n-a\n+b\n')).toBe('diff_mismatch');
    expect(code('--- a/none.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n')).toBe('diff_mismatch');
    expect(code(right.replace('a - b', 'a / b'))).toBe('diff_mismatch');
    expect(code(`--- a/src/math.js\n+++ b/src/math.js\n${'@@ -1 +1 @@\n-a\n+b\n'.repeat(65)}`)).toBe('no_diff');
  });

  it('read from any text is a strict diff or a failure, never a throw', () => {
    const part = fc.constantFrom(
      '--- a/src/math.js\n',
      '+++ b/src/math.js\n',
      '--- /dev/null\n',
      '+++ /dev/null\n',
      '@@ -1 +1 @@\n',
      ' // Numbers.\n',
      '-// Numbers.\n',
      '+x\n',
      '\n',
      '```\n',
      '```diff\n',
      '--- __proto__\n',
      '+++ ../x\n',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 6 })), { maxLength: 14 }), (parts) => {
        const diff = readPatch(files, parts.join(''));
        if (!diff.ok) return;
        const applied = applyPatch(files, diff.value);
        // Whatever a path does wrong is found by whoever applies it.
        if (!applied.ok)
          expect(['path_escapes', 'workspace_too_large', 'diff_malformed']).toContain(applied.error.code);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the work kind of code.patch', () => {
  it('finds another model, pays by the work, and asks for no model to check', async () => {
    const output = unwrap(await run(input, saysInTurn(right)));
    expect(codePatchKind.contradiction!(input, output, [], '')).toBeNull();
    expect(codePatchKind.contradiction!({ ...input, model: 'large-9' }, output, [], '')).toBe('other_model');
    expect(codePatchKind.units(input, output)).toBe(4);
    expect(codePatchKind.model(output)).toBeNull();
    expect(codePatchKind.text(output)).toBe(output.diff);
  });
});

describe('the combining of code.patch', () => {
  const { combining } = codePatchKind;
  if (combining?.rule !== 'patch') throw new Error('not by patches');
  const model = { id: 'm', hash: 'a'.repeat(64), engine: 'e' };
  const key = (diff: string) => combining.key(input, { model, diff });

  it('takes patches as equal that leave equal files', () => {
    const diff = diffOf(
      files,
      files.map((file) => ({ ...file, text: file.text.replace('a - b', 'a + b') })),
    );
    const wordy = `diff --git a/src/math.js b/src/math.js\nindex 0000..1111 100644\n${diff}`;
    expect(wordy).not.toBe(diff);
    expect(key(wordy)).toBe(key(diff));
    expect(key(diff)).toMatch(/^[0-9a-f]{64}$/);
    const other = diffOf(
      files,
      files.map((file) => ({ ...file, text: file.text.replace('a - b', 'b + a') })),
    );
    expect(key(other)).not.toBe(key(diff));
  });

  it('counts added and removed lines; what does not apply stands alone', () => {
    const diff = diffOf(
      files,
      files.map((file) => ({ ...file, text: file.text.replace('a - b', 'a + b') })),
    );
    expect(combining.changedLines({ model, diff })).toBe(2);
    expect(combining.changedLines({ model, diff: 'no\ndiff' })).toBe(2);
    expect(key('no diff')).toBe(key('no diff'));
    expect(key('no diff')).not.toBe(key('neither'));
  });
});
