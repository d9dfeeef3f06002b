import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { diffSchema, patchBriefSchema } from '#core/experts/objective/patch-brief';
import { workSignSchema, type WorkSign } from '#core/experts/objective/work-sign';
import { chatModelSchema } from '../llm-chat/contract';

const MAX_INSTRUCTION_CHARACTERS = 4_000;
/** A patch of the largest size is some eight thousand tokens; no small model writes that much to any use. */
const MAX_PATCH_TOKENS = 2_048;

export const codePatchInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  /** What is to be done, in words. */
  instruction: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_INSTRUCTION_CHARACTERS)),
  /** The workspace, the tests that judge, and what a patch may do. */
  brief: patchBriefSchema,
  maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PATCH_TOKENS)),
});

export const codePatchOutputSchema = v.strictObject({
  model: chatModelSchema,
  /** A unified diff as `parseDiff` reads it. */
  diff: diffSchema,
});

export type CodePatchInput = v.InferOutput<typeof codePatchInputSchema>;
export type CodePatchOutput = v.InferOutput<typeof codePatchOutputSchema>;

/** A patch for a small workspace that makes the chosen tests pass. */
export const codePatch = defineCapability<CodePatchInput, CodePatchOutput, WorkSign>({
  id: 'code.patch@1',
  input: codePatchInputSchema,
  output: codePatchOutputSchema,
  chunk: workSignSchema,
  trust: 'member',
  timeoutMs: 300_000,
});
