import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { MAX_CERTIFIED_BYTES } from '#core/ledger/certified-checkpoint';
import { bytesSchema } from '#core/wire/gate';
import { signedSchema } from '#core/wire/signed';

/** Of what a checkpoint holds, in one answer: the rest of a message is left for what wraps it. */
export const PART_BYTES = 160 * 1024;
export const MAX_PARTS = Math.ceil(MAX_CERTIFIED_BYTES / PART_BYTES);

export const ledgerCheckpointInputSchema = v.strictObject({
  /** Null: only what was signed. */
  part: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_PARTS - 1))),
});

export const ledgerCheckpointOutputSchema = v.strictObject({
  /** Null where this node holds no checkpoint that was certified. */
  signed: v.nullable(signedSchema),
  /** Empty behind the last part. */
  bytes: bytesSchema(PART_BYTES),
});

export type LedgerCheckpointInput = v.InferOutput<typeof ledgerCheckpointInputSchema>;
export type LedgerCheckpointOutput = v.InferOutput<typeof ledgerCheckpointOutputSchema>;

/** The latest certified checkpoint that a node holds, in parts: who comes new need not replay what came before. */
export const ledgerCheckpoint = defineCapability<LedgerCheckpointInput, LedgerCheckpointOutput>({
  id: 'ledger.checkpoint@1',
  input: ledgerCheckpointInputSchema,
  output: ledgerCheckpointOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});
