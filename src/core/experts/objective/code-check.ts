import { fail, ok, type Result } from '../../base/result';
import type { Sandbox, SandboxReport, WorkspaceFile } from '../../engines/sandbox';
import { applyPatch } from './apply-patch';
import { violationsOfPolicy } from './patch-policy';
import type { PatchBrief } from './patch-brief';

/** Which tests passed before any patch. */
export interface TestsBefore {
  readonly passed: ReadonlySet<string>;
}

/** How tests judge a patch. */
export const PATCH_TEST_RULES = {
  nothing_to_fix: 'A chosen test passes before anything was changed.',
  tests_failing: 'A test that the patch is for does not pass with it.',
  tests_regressed: 'A test that passed before fails with the patch.',
} as const;

/** What a patch came to. `note` is for whoever wrote it: everything in which it goes too far, or the first failing test and what it said. */
export interface PatchFinding {
  readonly accepted: boolean;
  /** `ok`, a code of `applyPatch`, the first broken rule of `PATCH_RULES`, a name in `PATCH_TEST_RULES`. */
  readonly reason: string;
  readonly note: string;
}

const passedIn = ({ tests }: SandboxReport): ReadonlySet<string> =>
  new Set(tests.filter(({ outcome }) => outcome === 'passed').map(({ name }) => name));

/**
 * Runs the tests before the patch. Codes: those of the sandbox, `nothing_to_fix` when a chosen test that was not declared
 * as failing passes already: then the brief judges nothing.
 */
export async function runBefore(
  { files, tests }: PatchBrief,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<Result<TestsBefore>> {
  const report = await sandbox.run({ files, testFiles: tests.files, seed: tests.seed }, signal);
  if (!report.ok) return report;
  const passed = passedIn(report.value);
  const already = tests.chosen.find((name) => passed.has(name) && !tests.declaredFailing.includes(name));
  return already === undefined
    ? ok({ passed })
    : fail('nothing_to_fix', `The test “${already}” passes before anything was changed.`);
}

const refused = (reason: string, note: string): PatchFinding => ({ accepted: false, reason, note });

/** The files after a patch that is written as it must be, fits and keeps the policy; else why it is refused. Nothing runs. */
function withPatch({ files, tests, policy }: PatchBrief, diff: string): Result<WorkspaceFile[], PatchFinding> {
  const patched = applyPatch(files, diff);
  if (!patched.ok) return { ok: false, error: refused(patched.error.code, patched.error.message) };
  const beyond = violationsOfPolicy({ tests, policy }, patched.value.changes);
  if (beyond.length === 0) return ok(patched.value.files);
  // All at once, so that whoever wrote it need not find out one by one.
  return { ok: false, error: refused(beyond[0]!.code, beyond.map(({ sentence }) => sentence).join(' ')) };
}

/** Why a patch is refused before a workspace is made for it, or null. */
export function refusedUnseen(brief: PatchBrief, diff: string): PatchFinding | null {
  const after = withPatch(brief, diff);
  return after.ok ? null : after.error;
}

/** Applies the patch, holds it against the policy, runs the tests. Codes are the sandbox's: all else is in the finding. */
export async function judgePatch(
  brief: PatchBrief,
  before: TestsBefore,
  diff: string,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<Result<PatchFinding>> {
  const after = withPatch(brief, diff);
  if (!after.ok) return ok(after.error);
  const { files: testFiles, chosen, others, seed } = brief.tests;
  const report = await sandbox.run({ files: after.value, testFiles, seed }, signal);
  if (!report.ok) return report;
  const passed = passedIn(report.value);
  const failing = chosen.find((name) => !passed.has(name));
  if (failing !== undefined) return ok(refused('tests_failing', whyFailed(report.value, failing)));
  const regressed = others.find((name) => before.passed.has(name) && !passed.has(name));
  if (regressed !== undefined) return ok(refused('tests_regressed', whyFailed(report.value, regressed)));
  return ok({ accepted: true, reason: 'ok', note: '' });
}

function whyFailed({ tests, unloaded }: SandboxReport, name: string): string {
  const found = tests.find((one) => one.name === name);
  if (found !== undefined) return `The test “${name}” failed: ${found.error}`;
  const [first] = unloaded;
  return first === undefined
    ? `There is no test “${name}”.`
    : `The test “${name}” is not there; ${first.path} did not load: ${first.error}`;
}
