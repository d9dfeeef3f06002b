import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { soleSigner } from '../identity/community';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';

/** What of an advertisement decides about money. */
export interface OfferTerms {
  /** Content id of the advertisement. */
  readonly id: string;
  readonly node: NodeId;
  /** For each token: of answers, or where none are offered, of training. */
  readonly rateMicros: number;
  readonly minimumMicros: number;
  readonly taskClasses: readonly string[];
  readonly sandboxProfile: string;
  readonly expiresAt: number;
}

/**
 * The terms of an advertisement, signed by its node alone. Whether the card of that node bears it out is not asked here: it is what
 * the payer agreed to when it reserved. Codes of the gate and of `openSigned`, `signer_missing`, `not_offered`.
 */
export async function openOffer(signed: Signed, verify: Verify): Promise<Result<OfferTerms>> {
  // Loaded with the first offer: nobody who neither pays nor is paid needs the schemas of cards.
  const { hostAdvertisementSchema } = await import('./cards/host-advertisement');
  const opened = await openSigned(hostAdvertisementSchema, signed, verify);
  if (!opened.ok) return opened;
  const { node, offer, policy, expiresAt } = opened.value;
  if (soleSigner(signed) !== node) return fail('signer_missing', 'The offer is not signed by its node.');
  const rateMicros = offer.rateMicros.inference ?? offer.rateMicros.training;
  if (rateMicros === null) return fail('not_offered', 'The advertisement offers neither answers nor training.');
  return ok({
    id: idOfSigned(signed),
    node,
    rateMicros,
    minimumMicros: offer.minimumJobMicros,
    taskClasses: policy.acceptedTaskClasses,
    sandboxProfile: policy.sandboxProfile,
    expiresAt,
  });
}
