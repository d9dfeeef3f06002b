import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import { ok, type Result } from '#core/base/result';
import type { Signed } from '#core/wire/signed';
import type { PaymentAcknowledgeInput, PaymentAcknowledgeOutput } from './contract';

export interface PaymentAcknowledgeDeps {
  readonly acknowledged: (payer: NodeId, receipt: Signed) => Promise<Result<boolean>>;
}

export const createPaymentAcknowledgeHandler =
  ({ acknowledged }: PaymentAcknowledgeDeps): Handler<PaymentAcknowledgeInput, PaymentAcknowledgeOutput> =>
  async ({ receipt }, { caller }) => {
    const taken = await acknowledged(caller, receipt);
    return taken.ok ? ok({ taken: taken.value }) : taken;
  };
