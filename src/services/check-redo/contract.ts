import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { saltSchema } from '#core/jobs/statements';
import { signedSchema } from '#core/wire/signed';

/** A finished job laid open to a validator: the executor's commitment, and what opens it. */
export const checkInputSchema = v.strictObject({
  commitment: signedSchema,
  salt: saltSchema,
  input: v.unknown(),
  output: v.unknown(),
});

/** The validator's signed verdict (`verdictSchema` in core/jobs/statements). */
export const checkOutputSchema = v.strictObject({ verdict: signedSchema });

export type CheckInput = v.InferOutput<typeof checkInputSchema>;
export type CheckOutput = v.InferOutput<typeof checkOutputSchema>;

/** Checks a deterministic job by doing it again and comparing canonical bytes. */
export const checkRedo = defineCapability<CheckInput, CheckOutput>({
  id: 'check.redo@1',
  input: checkInputSchema,
  output: checkOutputSchema,
  trust: 'member',
  timeoutMs: 3_000,
});
