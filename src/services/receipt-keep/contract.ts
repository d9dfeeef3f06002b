import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { signedSchema } from '#core/wire/signed';

export const receiptKeepInputSchema = v.strictObject({ receipt: signedSchema });
export const receiptKeepOutputSchema = v.strictObject({ kept: v.boolean() });

export type ReceiptKeepInput = v.InferOutput<typeof receiptKeepInputSchema>;
export type ReceiptKeepOutput = v.InferOutput<typeof receiptKeepOutputSchema>;

/** Hands a finished receipt with all its signatures to someone whom it names and who signed it, to keep. */
export const receiptKeep = defineCapability<ReceiptKeepInput, ReceiptKeepOutput>({
  id: 'receipt.keep@1',
  input: receiptKeepInputSchema,
  output: receiptKeepOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
