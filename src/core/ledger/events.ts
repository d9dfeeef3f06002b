import * as v from 'valibot';
import { cidSchema, idSchema } from '../base/ids';
import { signedSchema } from '../wire/signed';

/** What a node writes into its log. Every event is named in the past tense and carries the statement that it is about. */
export const ledgerEventSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('receipt.recorded'), receipt: signedSchema }),
  v.strictObject({ kind: v.literal('work.committed'), commitment: signedSchema }),
  v.strictObject({ kind: v.literal('verdict.given'), verdict: signedSchema }),
  v.strictObject({ kind: v.literal('trace.sealed'), traceId: idSchema, seal: signedSchema }),
  v.strictObject({ kind: v.literal('contribution.decided'), on: v.boolean() }),
  v.strictObject({ kind: v.literal('community.joined'), community: cidSchema }),
  v.strictObject({ kind: v.literal('community.left'), community: cidSchema }),
]);

export type LedgerEvent = v.InferOutput<typeof ledgerEventSchema>;
