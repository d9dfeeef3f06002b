import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { fail, unwrap } from '#core/base/result';
import type { Sandbox } from '#core/engines/sandbox';
import { openSandbox } from '#cli/open-sandbox';
import { judgePatch, runBefore } from './code-check';
import { diffOf } from './diff-text';
import { patchBriefSchema, type PatchBrief } from './patch-brief';

const sandbox = openSandbox();
const never = new AbortController().signal;

const SOURCE = 'export const add = (a, b) => a - b;\nexport const twice = (n) => n * 2;\n';
const brief: PatchBrief = {
  files: [
    { path: 'src/math.js', text: SOURCE },
    {
      path: 'tests/math.test.js',
      text: [
        "import { test, expect } from 'tabmesh:test';",
        "import { add, twice } from '../src/math.js';",
        "test('adds', () => expect(add(2, 3)).toBe(5));",
        "test('adds nothing', () => expect(add(2, 0)).toBe(2));",
        "test('doubles', () => expect(twice(4)).toBe(8));",
        "test('was broken before', () => expect(twice('x')).toBe('xx'));",
        '',
      ].join('\n'),
    },
  ],
  tests: {
    files: ['tests/math.test.js'],
    chosen: ['adds'],
    declaredFailing: [],
    others: ['adds nothing', 'doubles', 'was broken before'],
    seed: 3,
  },
  policy: { changeable: ['src/**'], maxFiles: 2, maxLines: 20, mayCreate: false, mayDelete: false, forbidden: [] },
};
const withSource = (text: string): string => diffOf(brief.files, [{ path: 'src/math.js', text }, brief.files[1]!]);
const fixed = SOURCE.replace('a - b', 'a + b');

async function findingOf(diff: string, changed: Partial<PatchBrief['tests']> = {}) {
  const altered: PatchBrief = { ...brief, tests: { ...brief.tests, ...changed } };
  const before = unwrap(await runBefore(altered, sandbox, never));
  return unwrap(await judgePatch(altered, before, diff, sandbox, never));
}

describe('a patch is judged by its tests', () => {
  it('accepted when the chosen tests fail before and pass after', async () => {
    expect(await findingOf(withSource(fixed))).toEqual({ accepted: true, reason: 'ok', note: '' });
  });

  it('rejected when a chosen test still fails, with what it said', async () => {
    expect(await findingOf(withSource(SOURCE.replace('a - b', 'a * b')))).toEqual({
      accepted: false,
      reason: 'tests_failing',
      note: 'The test “adds” failed: Error: expected 6 to be 5',
    });
  });

  it('rejected when another listed test passed before and fails after', async () => {
    const broken = fixed.replace('n * 2', 'n * 3');
    expect(await findingOf(withSource(broken))).toMatchObject({ accepted: false, reason: 'tests_regressed' });
    expect(await findingOf(withSource(broken), { others: [] })).toMatchObject({ accepted: true });
  });

  it('one that failed before may go on failing', async () => {
    expect(await findingOf(withSource(fixed), { others: ['was broken before'] })).toMatchObject({ accepted: true });
  });

  it('rejected when it makes the tests unloadable, endless or too hungry', async () => {
    for (const text of [
      'export const add = ;\n',
      'export const twice = 1;\n',
      `${fixed}for (;;);\n`,
      `${fixed}const kept = []; for (;;) kept.push(new Array(1e4).fill(0));\n`,
      `import { test } from 'tabmesh:test';\ntest('adds', () => {});\n${fixed}`,
    ])
      expect(await findingOf(withSource(text))).toMatchObject({ accepted: false, reason: 'tests_failing' });
  });

  it('rejected by its form and by the policy before any test runs', async () => {
    let runs = 0;
    const counting: Sandbox = { ...sandbox, run: async () => (runs++, fail('sandbox_failed', 'No.')) };
    const judge = async (diff: string) =>
      unwrap(await judgePatch(brief, { passed: new Set() }, diff, counting, never)).reason;
    expect(await judge('not a diff')).toBe('diff_malformed');
    expect(await judge(withSource(fixed).replace(' - b', ' * b'))).toBe('diff_mismatch');
    expect(await judge(diffOf(brief.files, [brief.files[0]!, { path: 'tests/math.test.js', text: 'x\n' }]))).toBe(
      'test_changed',
    );
    expect(await judge(diffOf(brief.files, [...brief.files, { path: 'src/new.js', text: 'x\n' }]))).toBe(
      'file_created',
    );
    expect(runs).toBe(0);
  });

  it('says nothing where the sandbox could not run it', async () => {
    const broken: Sandbox = { ...sandbox, run: async () => fail('sandbox_timeout', 'Too slow.') };
    expect(await runBefore(brief, broken, never)).toMatchObject({ error: { code: 'sandbox_timeout' } });
    expect(await judgePatch(brief, { passed: new Set() }, withSource(fixed), broken, never)).toMatchObject({
      ok: false,
      error: { code: 'sandbox_timeout' },
    });
  });
});

describe('a brief judges only what fails before', () => {
  const before = (changed: Partial<PatchBrief['tests']>) =>
    runBefore({ ...brief, tests: { ...brief.tests, ...changed } }, sandbox, never);

  it('a chosen test that passes already leaves nothing to judge', async () => {
    expect(await before({ chosen: ['adds', 'doubles'], others: [] })).toMatchObject({
      error: { code: 'nothing_to_fix' },
    });
  });

  it('unless it was declared as failing', async () => {
    const declared = { chosen: ['adds', 'doubles'], declaredFailing: ['doubles'], others: [] };
    expect(unwrap(await before(declared)).passed).toEqual(new Set(['adds nothing', 'doubles']));
    expect(await findingOf(withSource(fixed), declared)).toMatchObject({ accepted: true });
  });

  it('a test that is not there before fails before', async () => {
    expect(await before({ chosen: ['no such test'] })).toMatchObject({ ok: true });
    expect(await findingOf(withSource(fixed), { chosen: ['no such test'] })).toMatchObject({
      reason: 'tests_failing',
      note: 'There is no test “no such test”.',
    });
  });
});

it('a brief that contradicts itself is refused', () => {
  const refused = (changed: Partial<PatchBrief['tests']>, policy: Partial<PatchBrief['policy']> = {}) =>
    !v.is(patchBriefSchema, {
      ...brief,
      tests: { ...brief.tests, ...changed },
      policy: { ...brief.policy, ...policy },
    });
  expect(refused({})).toBe(false);
  expect(refused({ files: ['tests/none.test.js'] })).toBe(true);
  expect(refused({ files: ['tests/math.test.js', 'tests/math.test.js'] })).toBe(true);
  expect(refused({ chosen: [] })).toBe(true);
  expect(refused({ chosen: ['adds', 'adds'] })).toBe(true);
  expect(refused({ others: ['adds'] })).toBe(true);
  expect(refused({ declaredFailing: ['doubles'] })).toBe(true);
  expect(refused({ seed: -1 })).toBe(true);
  for (const pattern of ['/src/**', '../**', '**', 'src/*', 'src/**/x', ''])
    expect(refused({}, { changeable: [pattern] })).toBe(true);
  expect(refused({}, { maxLines: 100_000 })).toBe(true);
});
