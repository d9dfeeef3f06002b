import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { saltSchema } from '#core/ledger/statements';
import { bytesSchema } from '#core/wire/gate';
import { signedSchema } from '#core/wire/signed';

/** A finished job laid open to a validator: the executor's commitment, and what opens it. */
export const checkInputSchema = v.strictObject({
  commitment: signedSchema,
  salt: saltSchema,
  input: v.unknown(),
  output: v.unknown(),
});

const SEAL_BYTES = 32;

/** The verdict is fixed, not told: `check.reveal@1` tells it once all who were asked have fixed theirs. */
export const checkOutputSchema = v.strictObject({
  sealed: v.pipe(
    bytesSchema(SEAL_BYTES),
    v.check((bytes) => bytes.length === SEAL_BYTES, 'not a seal'),
  ),
});

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
