import * as v from 'valibot';
import { nodeIdSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { entriesSchema } from '../ledger-read/contract';

const length = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const ledgerTellInputSchema = v.strictObject({ author: nodeIdSchema, from: length, entries: entriesSchema });

/** How much of that log is held now: less than was told where something before it is missing. */
export const ledgerTellOutputSchema = v.strictObject({ length });

export type LedgerTellInput = v.InferOutput<typeof ledgerTellInputSchema>;
export type LedgerTellOutput = v.InferOutput<typeof ledgerTellOutputSchema>;

/** Brings another node entries of a log, as soon as they are written. */
export const ledgerTell = defineCapability<LedgerTellInput, LedgerTellOutput>({
  id: 'ledger.tell@1',
  input: ledgerTellInputSchema,
  output: ledgerTellOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});
