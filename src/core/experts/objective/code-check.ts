import { fail, ok, type Result } from '../../base/result';
import type { Sandbox, SandboxReport } from '../../engines/sandbox';
import { applyPatch } from './apply-patch';
import { checkPolicy } from './patch-policy';
import type { PatchBrief } from './patch-brief';

/** Which tests passed before any patch. */
export interface TestsBefore {
  readonly passed: ReadonlySet<string>;
}

/** What a patch came to. `note` is for whoever wrote it: the first failing test and what it said. */
export interface PatchFinding {
  readonly accepted: boolean;
  /** `ok`, a code of `applyPatch` or `checkPolicy`, `tests_failing`, `tests_regressed`. */
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

/** Applies the patch, holds it against the policy, runs the tests. Codes are the sandbox's: all else is in the finding. */
export async function judgePatch(
  brief: PatchBrief,
  before: TestsBefore,
  diff: string,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<Result<PatchFinding>> {
  const refused = (reason: string, note: string): Result<PatchFinding> => ok({ accepted: false, reason, note });
  const patched = applyPatch(brief.files, diff);
  if (!patched.ok) return refused(patched.error.code, patched.error.message);
  const allowed = checkPolicy(brief, patched.value.changes);
  if (!allowed.ok) return refused(allowed.error.code, allowed.error.message);

  const { files: testFiles, chosen, others, seed } = brief.tests;
  const report = await sandbox.run({ files: patched.value.files, testFiles, seed }, signal);
  if (!report.ok) return report;
  const passed = passedIn(report.value);
  const failing = chosen.find((name) => !passed.has(name));
  if (failing !== undefined) return refused('tests_failing', whyFailed(report.value, failing));
  const regressed = others.find((name) => before.passed.has(name) && !passed.has(name));
  if (regressed !== undefined) return refused('tests_regressed', whyFailed(report.value, regressed));
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
