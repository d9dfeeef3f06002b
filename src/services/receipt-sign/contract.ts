import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { signatureSchema, signedSchema } from '#core/wire/signed';

export const receiptSignInputSchema = v.strictObject({ receipt: signedSchema });
export const receiptSignOutputSchema = v.strictObject({ signature: signatureSchema });

export type ReceiptSignInput = v.InferOutput<typeof receiptSignInputSchema>;
export type ReceiptSignOutput = v.InferOutput<typeof receiptSignOutputSchema>;

/**
 * Asks an executor or a validator to sign a receipt that its requester signed. It signs only what it knows to be true of
 * itself: the commitment or verdict that it gave for this job, and no more units than the work is worth.
 */
export const receiptSign = defineCapability<ReceiptSignInput, ReceiptSignOutput>({
  id: 'receipt.sign@1',
  input: receiptSignInputSchema,
  output: receiptSignOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
