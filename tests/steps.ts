import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** One thing that is checked, as a command of a package installed here. */
export interface Step {
  readonly name: string;
  /** Run one after the other; the step fails with the first that fails. */
  readonly commands: readonly (readonly [bin: string, ...args: string[]])[];
  /** For a run of tests: reads how many passed and failed from the report. Every other step counts as one. */
  readonly report?: { readonly path: string; readonly read: (json: unknown) => Counts };
  readonly env?: Readonly<Record<string, string>>;
  /** Prints while it runs: for a step that runs alone and takes minutes. */
  readonly live?: boolean;
  /** A reason why the step failed although its commands ended well, from their output. */
  readonly refuse?: (output: string) => string | null;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Where a report says so: what failed and why, in a few lines each. */
  readonly failures?: readonly string[];
}

export interface StepResult extends Counts {
  readonly step: Step;
  readonly ok: boolean;
  readonly output: string;
  readonly tookMs: number;
}

/** Where reports of test runs lie; git-ignored. */
export const reportPath = (name: string) => join(ROOT, 'test-results', `${name}.json`);

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** A file that could not even be loaded has no tests in the report, and counts as one that failed. */
export function readVitest(json: unknown): Counts {
  const report = json as VitestReport;
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length };
}

interface PlaywrightError {
  readonly message?: string;
  readonly snippet?: string;
}

interface PlaywrightSuite {
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs: readonly {
    readonly title: string;
    readonly file: string;
    readonly line: number;
    readonly ok: boolean;
    readonly tests: readonly { readonly results: readonly { readonly errors: readonly PlaywrightError[] }[] }[];
  }[];
}

interface PlaywrightReport {
  readonly stats: { readonly expected: number; readonly unexpected: number; readonly flaky: number };
  readonly errors: readonly PlaywrightError[];
  readonly suites: readonly PlaywrightSuite[];
}

/** Of one failure so much is repeated at the end: what was expected and the line that expected it. */
const MOST_FAILURE_LINES = 24;

export const withoutColour = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '');

function inShort({ message, snippet }: PlaywrightError): string {
  const lines = withoutColour(`${message ?? ''}\n${snippet ?? ''}`).split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .slice(0, MOST_FAILURE_LINES)
    .map((line) => `    ${line}`)
    .join('\n');
}

function failuresOf(suite: PlaywrightSuite): string[] {
  const own = suite.specs
    .filter(({ ok }) => !ok)
    .map(({ file, line, title, tests }) => {
      const errors = tests.flatMap(({ results }) => results.flatMap((result) => result.errors.map(inShort)));
      return [`${file}:${line} ${title}`, ...errors].join('\n');
    });
  return [...own, ...(suite.suites ?? []).flatMap(failuresOf)];
}

/** Errors outside of a test (a spec that does not load, a server that does not start) count as failures. */
export function readPlaywright(json: unknown): Counts {
  const { stats, errors, suites } = json as PlaywrightReport;
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + errors.length,
    failures: [...errors.map(inShort), ...suites.flatMap(failuresOf)],
  };
}

function readReport(step: Step, ok: boolean): Counts {
  if (step.report === undefined) return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  try {
    const counts = step.report.read(JSON.parse(readFileSync(step.report.path, 'utf8')));
    // A run that failed for a reason that its report does not name must not look whole.
    return ok || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function runCommand(
  [bin, ...args]: readonly [string, ...string[]],
  step: Step,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(ROOT, 'node_modules', '.bin', bin), args, {
      cwd: ROOT,
      env: { ...process.env, ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      if (step.live) process.stdout.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function runStep(step: Step): Promise<StepResult> {
  const startedAt = performance.now();
  if (step.report) {
    mkdirSync(dirname(step.report.path), { recursive: true });
    rmSync(step.report.path, { force: true });
  }
  let output = '';
  let ok = true;
  for (const command of step.commands) {
    const result = await runCommand(command, step);
    output += result.output;
    ok = result.code === 0;
    if (!ok) break;
  }
  const refusal = ok ? (step.refuse?.(output) ?? null) : null;
  if (refusal !== null) {
    ok = false;
    output += `${refusal}\n`;
  }
  const counts = readReport(step, ok);
  return { step, ...counts, ok: ok && counts.failed === 0, output, tookMs: performance.now() - startedAt };
}

export interface RunOptions {
  readonly atOnce: number;
  /** Starts nothing more after a failure; what already runs ends. */
  readonly stopAtFailure: boolean;
}

/** Runs the steps in order, a few at once, with one line for each and the output of those that failed. */
export async function runSteps(steps: readonly Step[], { atOnce, stopAtFailure }: RunOptions): Promise<StepResult[]> {
  const waiting = [...steps];
  const results: StepResult[] = [];
  const lane = async () => {
    for (;;) {
      if (stopAtFailure && results.some((result) => !result.ok)) return;
      const step = waiting.shift();
      if (step === undefined) return;
      const result = await runStep(step);
      results.push(result);
      const counts = step.report ? `  ${result.passed} passed, ${result.failed} failed` : '';
      console.log(
        `${result.ok ? 'ok    ' : 'FAILED'}  ${step.name.padEnd(14)} ${(result.tookMs / 1000).toFixed(1).padStart(6)} s${counts}`,
      );
      if (!result.ok && !step.live) console.log(result.output.replace(/^/gm, '    '));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}
