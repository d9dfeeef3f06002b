import type { Handler } from '#core/bus/capability';
import type { Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import type { Release } from '#core/ledger/witness-duty';
import { sign } from '#core/wire/signed';
import type { PaymentReleaseInput, PaymentReleaseOutput } from './contract';

export interface PaymentReleaseDeps {
  readonly signer: Signer;
  readonly ledger: () => Ledger;
  /** Gives up being paid from that reservation, for good; false while work is under way or accepted that it pays. */
  readonly letGo: (reservation: string) => Promise<Result<boolean>>;
}

/** Refusals: `not_your_reservation`, `still_owed`; storage codes. */
export const createPaymentReleaseHandler =
  ({ signer, ledger, letGo }: PaymentReleaseDeps): Handler<PaymentReleaseInput, PaymentReleaseOutput> =>
  async ({ reservation }, { caller }) => {
    const { state, community } = ledger();
    const known = state.reservationsById.get(reservation);
    if (known?.payer !== caller || known.payee !== signer.nodeId)
      return fail('not_your_reservation', 'This node knows no such reservation of yours.');
    const free = await letGo(reservation);
    if (!free.ok) return free;
    if (!free.value) return fail('still_owed', 'This node is to be paid from that reservation.');
    const body: Release = {
      type: 'reservation-release',
      v: 1,
      community: community.id,
      reservation,
      payee: signer.nodeId,
    };
    return ok({ release: await sign(signer, body) });
  };
