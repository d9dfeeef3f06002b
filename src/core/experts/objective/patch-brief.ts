import * as v from 'valibot';
import { SANDBOX_LIMITS, seedSchema, workspacePathSchema, workspaceSchema } from '../../engines/sandbox';

/** What a piece of work on code is: apart from its checks, so that contracts are small. */

/** A patch that a person would still read; with the workspace it fits into the message that asks for a check. */
export const MAX_DIFF_CHARACTERS = 24_576;
const MAX_PATTERNS = 32;
const MAX_CHANGED_FILES = 16;
const MAX_CHANGED_LINES = 400;
const MAX_FORBIDDEN = 16;
const MAX_FORBIDDEN_CHARACTERS = 100;
const MAX_CHOSEN = 64;
const MAX_OTHERS = 128;

/** A path, or a folder with everything below it: `src/parts/**`. */
const pathPatternSchema = v.pipe(
  v.string(),
  v.check((pattern) => v.is(workspacePathSchema, pattern.replace(/\/\*\*$/, '')), 'not a path or a folder with /**'),
);

/** What a patch may do. Test files may never be changed, whatever stands here. */
export const patchPolicySchema = v.strictObject({
  changeable: v.pipe(v.array(pathPatternSchema), v.minLength(1), v.maxLength(MAX_PATTERNS)),
  maxFiles: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CHANGED_FILES)),
  /** Lines added and lines removed together. */
  maxLines: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CHANGED_LINES)),
  mayCreate: v.boolean(),
  mayDelete: v.boolean(),
  /** Texts that no added line may hold. */
  forbidden: v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_FORBIDDEN_CHARACTERS))),
    v.maxLength(MAX_FORBIDDEN),
  ),
});

const testNameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(SANDBOX_LIMITS.testNameCharacters));
const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** Which tests judge a patch. */
export const testPlanSchema = v.pipe(
  v.strictObject({
    files: v.pipe(v.array(workspacePathSchema), v.minLength(1), v.maxLength(16)),
    /** What the patch is for: these fail before it and pass after it. */
    chosen: v.pipe(v.array(testNameSchema), v.minLength(1), v.maxLength(MAX_CHOSEN)),
    /** Of the chosen, those that are taken to fail before without looking. */
    declaredFailing: v.pipe(v.array(testNameSchema), v.maxLength(MAX_CHOSEN)),
    /** Those that must not fail after when they passed before. */
    others: v.pipe(v.array(testNameSchema), v.maxLength(MAX_OTHERS)),
    seed: seedSchema,
  }),
  v.check(({ files }) => distinct(files), 'a test file twice'),
  v.check(({ chosen, others }) => distinct([...chosen, ...others]), 'a test twice'),
  v.check(
    ({ chosen, declaredFailing }) =>
      declaredFailing.every((name) => chosen.includes(name)) && distinct(declaredFailing),
    'declared as failing without being chosen',
  ),
);

export const patchBriefSchema = v.pipe(
  v.strictObject({ files: workspaceSchema, tests: testPlanSchema, policy: patchPolicySchema }),
  v.check(
    ({ files, tests }) => tests.files.every((path) => files.some((file) => file.path === path)),
    'a test file is not there',
  ),
);

export const diffSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_DIFF_CHARACTERS));

export type PatchPolicy = v.InferOutput<typeof patchPolicySchema>;
export type PatchBrief = v.InferOutput<typeof patchBriefSchema>;
