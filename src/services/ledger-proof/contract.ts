import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { equivocationSchema } from '#core/ledger/chain';

export const ledgerProofInputSchema = v.strictObject({ proof: equivocationSchema });
/** Whether it was new there. */
export const ledgerProofOutputSchema = v.strictObject({ taken: v.boolean() });

export type LedgerProofInput = v.InferOutput<typeof ledgerProofInputSchema>;
export type LedgerProofOutput = v.InferOutput<typeof ledgerProofOutputSchema>;

/** Shows another node that somebody signed two histories. It needs to trust nobody, and goes before everything else. */
export const ledgerProof = defineCapability<LedgerProofInput, LedgerProofOutput>({
  id: 'ledger.proof@1',
  input: ledgerProofInputSchema,
  output: ledgerProofOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
