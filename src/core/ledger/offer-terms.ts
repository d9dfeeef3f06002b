import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { soleSigner } from '../identity/community';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';
import type { PrivacyClass } from './cards/card-fields';

/** What of an advertisement decides about money. */
export interface OfferTerms {
  /** Content id of the advertisement. */
  readonly id: string;
  readonly node: NodeId;
  /** For each token, in and out: of answers, or where none are offered, of training. */
  readonly rateMicros: number;
  /** For a job, however short. */
  readonly minimumMicros: number;
  readonly taskClasses: readonly string[];
  readonly sandboxProfile: string;
  /** How private a prompt may be at most. */
  readonly maxPromptPrivacyClass: PrivacyClass;
  /** The model that it offers, and the hash of its weights. */
  readonly expert: string;
  readonly modelHash: string;
  readonly expiresAt: number;
}

/** Loaded with the first offer: nobody who neither pays nor is paid needs the schemas of cards. */
let cards: Promise<typeof import('./cards/host-advertisement')> | null = null;

/**
 * The terms of an advertisement, signed by its node and nobody else. Whether it stood on a valid card when it was shown is for whoever
 * was shown it (`openNodePapers`); whether it had expired depends on when it was used. Codes of `openSigned`, `signer_missing`,
 * `not_offered` where it offers neither answers nor training.
 */
export async function openOffer(signed: Signed, verify: Verify): Promise<Result<OfferTerms>> {
  cards ??= import('./cards/host-advertisement');
  const { hostAdvertisementSchema } = await cards;
  const opened = await openSigned(hostAdvertisementSchema, signed, verify);
  if (!opened.ok) return opened;
  const { node, offer, policy, expert, modelHash, expiresAt } = opened.value;
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
    maxPromptPrivacyClass: policy.maxPromptPrivacyClass,
    expert,
    modelHash,
    expiresAt,
  });
}
