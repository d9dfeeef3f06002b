import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { signedSchema } from '#core/wire/signed';

export const witnessHeadInputSchema = v.strictObject({
  author: nodeIdSchema,
  seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  entry: cidSchema,
});

/** Signed by the witness: `headWitnessSchema` in core/ledger/witnesses. */
export const witnessHeadOutputSchema = v.strictObject({ statement: signedSchema });

export type WitnessHeadInput = v.InferOutput<typeof witnessHeadInputSchema>;
export type WitnessHeadOutput = v.InferOutput<typeof witnessHeadOutputSchema>;

/** Asks a witness to sign that an entry is the only one that it saw at its place, and breaks no rule. Its log goes there before. */
export const witnessHead = defineCapability<WitnessHeadInput, WitnessHeadOutput>({
  id: 'witness.head@1',
  input: witnessHeadInputSchema,
  output: witnessHeadOutputSchema,
  trust: 'member',
  timeoutMs: 3_000,
});
