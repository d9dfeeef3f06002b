import type { Handler } from '#core/bus/capability';
import type { Signer } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import type { Release } from '#core/ledger/witness-duty';
import { sign } from '#core/wire/signed';
import type { PaymentReleaseInput, PaymentReleaseOutput } from './contract';

export interface PaymentReleaseDeps {
  readonly signer: Signer;
  readonly ledger: () => Ledger;
  /** Whether this node has work to be paid from that reservation: done and accepted, or still under way. */
  readonly isOwed: (reservation: string) => boolean;
}

/** Refusals: `not_your_reservation`, `still_owed`. */
export const createPaymentReleaseHandler =
  ({ signer, ledger, isOwed }: PaymentReleaseDeps): Handler<PaymentReleaseInput, PaymentReleaseOutput> =>
  async ({ reservation }, { caller }) => {
    const { state, community } = ledger();
    const known = state.reservationsById.get(reservation);
    if (known?.payer !== caller || known.payee !== signer.nodeId)
      return fail('not_your_reservation', 'This node knows no such reservation of yours.');
    if (isOwed(reservation)) return fail('still_owed', 'This node is to be paid from that reservation.');
    const body: Release = {
      type: 'reservation-release',
      v: 1,
      community: community.id,
      reservation,
      payee: signer.nodeId,
    };
    return ok({ release: await sign(signer, body) });
  };
