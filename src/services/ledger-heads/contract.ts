import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';

/** Heads in one answer: some 60 KB. */
export const MAX_HEADS = 400;

export const ledgerHeadsInputSchema = v.strictObject({
  /** Only logs of authors behind this one, in ascending order; null from the first. */
  after: v.nullable(nodeIdSchema),
});

export const ledgerHeadsOutputSchema = v.strictObject({
  heads: v.pipe(
    v.array(
      v.strictObject({
        author: nodeIdSchema,
        length: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
        id: cidSchema,
      }),
    ),
    v.maxLength(MAX_HEADS),
  ),
  /** Whether there are logs behind the last one named. */
  more: v.boolean(),
});

export type LedgerHeadsInput = v.InferOutput<typeof ledgerHeadsInputSchema>;
export type LedgerHeadsOutput = v.InferOutput<typeof ledgerHeadsOutputSchema>;

/** How far a node holds the logs of the community. */
export const ledgerHeads = defineCapability<LedgerHeadsInput, LedgerHeadsOutput>({
  id: 'ledger.heads@1',
  input: ledgerHeadsInputSchema,
  output: ledgerHeadsOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
