import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { signedSchema } from '#core/wire/signed';

export const witnessCheckpointInputSchema = v.strictObject({ signed: signedSchema });
/** The same statement with this witness's signature alone. */
export const witnessCheckpointOutputSchema = v.strictObject({ signed: signedSchema });

export type WitnessCheckpointInput = v.InferOutput<typeof witnessCheckpointInputSchema>;
export type WitnessCheckpointOutput = v.InferOutput<typeof witnessCheckpointOutputSchema>;

/** Has a witness of the manifest sign that the logs come to what a checkpoint says. */
export const witnessCheckpoint = defineCapability<WitnessCheckpointInput, WitnessCheckpointOutput>({
  id: 'witness.checkpoint@1',
  input: witnessCheckpointInputSchema,
  output: witnessCheckpointOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});
