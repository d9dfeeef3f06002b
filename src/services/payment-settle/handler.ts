import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import { ok, type Result } from '#core/base/result';
import type { Signed } from '#core/wire/signed';
import type { PaymentSettleInput, PaymentSettleOutput } from './contract';

export interface PaymentSettleDeps {
  /** The receipt for a job of that payer; failures are told to it. */
  readonly receiptFor: (payer: NodeId, jobId: string, verdicts: readonly Signed[]) => Promise<Result<Signed>>;
}

export const createPaymentSettleHandler =
  ({ receiptFor }: PaymentSettleDeps): Handler<PaymentSettleInput, PaymentSettleOutput> =>
  async ({ jobId, verdicts }, { caller }) => {
    const receipt = await receiptFor(caller, jobId, verdicts);
    return receipt.ok ? ok({ receipt: receipt.value }) : receipt;
  };
