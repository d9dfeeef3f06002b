import * as v from 'valibot';
import { idSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { MAX_VERDICTS } from '#core/ledger/events';
import { signedSchema } from '#core/wire/signed';

export const paymentSettleInputSchema = v.strictObject({
  jobId: idSchema,
  verdicts: v.pipe(v.array(signedSchema), v.minLength(1), v.maxLength(MAX_VERDICTS)),
});
/** The executor's work receipt: `inferenceWorkReceiptSchema` in core/ledger/work-receipts. */
export const paymentSettleOutputSchema = v.strictObject({ receipt: signedSchema });

export type PaymentSettleInput = v.InferOutput<typeof paymentSettleInputSchema>;
export type PaymentSettleOutput = v.InferOutput<typeof paymentSettleOutputSchema>;

/** The payer hands the verdicts on a job to the node that did it, and gets its work receipt: what it will charge, and for what. */
export const paymentSettle = defineCapability<PaymentSettleInput, PaymentSettleOutput>({
  id: 'payment.settle@1',
  input: paymentSettleInputSchema,
  output: paymentSettleOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
