import * as v from 'valibot';
import { isWellFormed } from '../base/text';
import { fail, type Result } from '../base/result';
import { checkAgainst } from '../wire/gate';

/**
 * A place where code from outside runs its unit tests: no network, no disk, no clock, no chance of its own. The figures
 * below decide what passes, so every device holds to the same ones: changing one needs a new version of what is judged
 * by it.
 */
export const SANDBOX_LIMITS = {
  /** All memory of a run, the interpreter's own included. A run that needs more ends. */
  memoryBytes: 48 * 1024 * 1024,
  /** The interpreter's own stack, some 700 plain calls deep; small enough that the host's stack, which differs, is never the first to end. */
  stackBytes: 128 * 1024,
  /** Steps of ten thousand calls or jumps back. Loading one test file and running one test may each take this many (about a second). */
  stepsPerPart: 2_000,
  /** Of the whole run. */
  steps: 8_000,
  /** Finished promise reactions of one part; each is short or counts as steps. */
  reactionsPerPart: 1_000_000,
  tests: 256,
  testNameCharacters: 200,
  errorCharacters: 400,
  /** What one test, or loading, may print, and the whole run. */
  outputCharacters: 1_000,
  totalOutputCharacters: 16_000,
} as const;

export const MAX_WORKSPACE_FILES = 64;
/** Of all files together, in UTF-16 units: a workspace travels inside a job, which has a third of a message. */
export const MAX_WORKSPACE_CHARACTERS = 65_536;
const MAX_PATH_CHARACTERS = 128;
const MAX_TEST_FILES = 16;

/** Names that reach a prototype or a device where a workspace is written to disk. */
const RESERVED_SEGMENT = /^(__proto__|constructor|prototype|\.+|\.git|con|prn|aux|nul)$/i;

/** Relative, with `/` between segments of plain characters: it cannot leave the workspace, and means the same everywhere. */
export const workspacePathSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_PATH_CHARACTERS),
  v.regex(/^[A-Za-z0-9_@+.-]+(?:\/[A-Za-z0-9_@+.-]+)*$/, 'not a path inside the workspace'),
  v.check((path) => !path.split('/').some((segment) => RESERVED_SEGMENT.test(segment)), 'a reserved name'),
);

/** Text only: no NUL, no surrogate that stands alone. */
export const workspaceTextSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_WORKSPACE_CHARACTERS),
  v.check((text) => !text.includes('\0') && isWellFormed(text), 'not a text'),
);

export const workspaceFileSchema = v.strictObject({ path: workspacePathSchema, text: workspaceTextSchema });

export type WorkspaceFile = v.InferOutput<typeof workspaceFileSchema>;

/** A path that is a file and also the folder of another one cannot be written to any disk. */
function pathsFit(files: readonly WorkspaceFile[]): boolean {
  const paths = new Set(files.map(({ path }) => path.toLowerCase()));
  if (paths.size !== files.length) return false;
  return files.every(({ path }) => {
    const segments = path.toLowerCase().split('/');
    return !segments.slice(1).some((_, at) => paths.has(segments.slice(0, at + 1).join('/')));
  });
}

export const workspaceSchema = v.pipe(
  v.array(workspaceFileSchema),
  v.maxLength(MAX_WORKSPACE_FILES),
  v.check(
    (files) => files.reduce((sum, { text }) => sum + text.length, 0) <= MAX_WORKSPACE_CHARACTERS,
    'too much text in all',
  ),
  v.check((files) => pathsFit(files), 'two files claim one path'),
);

export const seedSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));

const sandboxRequestSchema = v.pipe(
  v.strictObject({
    files: workspaceSchema,
    /** Paths of the files that are loaded, in this order; they alone may import `tabmesh:test`. */
    testFiles: v.pipe(v.array(workspacePathSchema), v.minLength(1), v.maxLength(MAX_TEST_FILES)),
    /** What `Math.random` and the clock inside follow from. */
    seed: seedSchema,
  }),
  v.check(
    ({ files, testFiles }) => testFiles.every((path) => files.some((file) => file.path === path)),
    'a test file is not there',
  ),
  v.check(({ testFiles }) => new Set(testFiles).size === testFiles.length, 'a test file twice'),
);

export type SandboxRequest = v.InferOutput<typeof sandboxRequestSchema>;

/** What every sandbox asks of a request before it runs anything. Code: `bad_workspace`. */
export function checkSandboxRequest(request: unknown): Result<SandboxRequest> {
  const checked = checkAgainst(sandboxRequestSchema, request);
  return checked.ok ? checked : fail('bad_workspace', checked.error.message);
}

export interface TestReport {
  readonly name: string;
  /** `not_run`: the run ended before. */
  readonly outcome: 'passed' | 'failed' | 'not_run';
  /** Why it failed; empty when it passed. */
  readonly error: string;
  readonly output: string;
}

/** Plain data with nothing of the device in it: the same request gives the same canonical bytes everywhere. */
export interface SandboxReport {
  /** In the order in which they were declared. */
  readonly tests: readonly TestReport[];
  /** Test files that did not load; the tests that they had declared until then do not count. */
  readonly unloaded: readonly { readonly path: string; readonly error: string }[];
  /** Printed while loading. */
  readonly output: string;
  readonly ended: 'completed' | 'out_of_memory' | 'out_of_steps';
}

/**
 * Runs test files over a workspace, each run in an interpreter of its own. One run at a time, others wait in order. What
 * the code does wrong is in the report. Codes are for what says nothing about the code: `bad_workspace` (the request
 * breaks its schema), `sandbox_busy`, `sandbox_timeout` (this device was too slow for it, or it hides its work in one
 * long operation), `sandbox_failed` (the interpreter broke or could not be loaded), `cancelled`. After any of them the
 * next run works.
 */
export interface Sandbox {
  run(request: SandboxRequest, signal: AbortSignal): Promise<Result<SandboxReport>>;
  /** Ends what runs and waits; later runs fail with `sandbox_failed`. */
  dispose(): void;
}
