import * as v from 'valibot';
import { nodeIdSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { MAX_ENTRY_BYTES } from '#core/ledger/chain';
import { bytesSchema } from '#core/wire/gate';

/** Entries in one answer, and their bytes: the rest of a message is left for what wraps them. */
export const MAX_ENTRIES_PER_ANSWER = 128;
export const MAX_ENTRY_BYTES_PER_ANSWER = 160 * 1024;

export const entriesSchema = v.pipe(v.array(bytesSchema(MAX_ENTRY_BYTES)), v.maxLength(MAX_ENTRIES_PER_ANSWER));

export const ledgerReadInputSchema = v.strictObject({
  author: nodeIdSchema,
  from: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** Empty where nothing is held from there on. */
export const ledgerReadOutputSchema = v.strictObject({ entries: entriesSchema });

export type LedgerReadInput = v.InferOutput<typeof ledgerReadInputSchema>;
export type LedgerReadOutput = v.InferOutput<typeof ledgerReadOutputSchema>;

/** Entries of a log from a position on, as many as one message carries. */
export const ledgerRead = defineCapability<LedgerReadInput, LedgerReadOutput>({
  id: 'ledger.read@1',
  input: ledgerReadInputSchema,
  output: ledgerReadOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});
