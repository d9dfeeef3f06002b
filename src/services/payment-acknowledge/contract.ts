import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { signedSchema } from '#core/wire/signed';

/** The executor's work receipt, with the payer's signature too. */
export const paymentAcknowledgeInputSchema = v.strictObject({ receipt: signedSchema });
export const paymentAcknowledgeOutputSchema = v.strictObject({ taken: v.boolean() });

export type PaymentAcknowledgeInput = v.InferOutput<typeof paymentAcknowledgeInputSchema>;
export type PaymentAcknowledgeOutput = v.InferOutput<typeof paymentAcknowledgeOutputSchema>;

/** The payer agrees to what it is charged. A payer that stays silent delays the settlement; it cannot stop it. */
export const paymentAcknowledge = defineCapability<PaymentAcknowledgeInput, PaymentAcknowledgeOutput>({
  id: 'payment.acknowledge@1',
  input: paymentAcknowledgeInputSchema,
  output: paymentAcknowledgeOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
