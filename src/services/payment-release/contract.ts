import * as v from 'valibot';
import { cidSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { signedSchema } from '#core/wire/signed';

export const paymentReleaseInputSchema = v.strictObject({ reservation: cidSchema });
/** `releaseSchema` in core/ledger/witness-duty, signed by the payee. */
export const paymentReleaseOutputSchema = v.strictObject({ release: signedSchema });

export type PaymentReleaseInput = v.InferOutput<typeof paymentReleaseInputSchema>;
export type PaymentReleaseOutput = v.InferOutput<typeof paymentReleaseOutputSchema>;

/** Asks a node to let a reservation go from which it is owed nothing: the job failed, or nobody accepted the work. */
export const paymentRelease = defineCapability<PaymentReleaseInput, PaymentReleaseOutput>({
  id: 'payment.release@1',
  input: paymentReleaseInputSchema,
  output: paymentReleaseOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
