import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Result } from '../../base/result';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import { reportAdvertisement } from './advertisement-rules';
import {
  amountMicrosSchema,
  count,
  DEVICE_CLASSES,
  firstOf,
  listOf,
  livesAtMost,
  LOCALITY_BUCKETS,
  offeredExpertEntries,
  PRIVACY_CLASSES,
  rateMicrosSchema,
  receiptNamesSchema,
  rolesSchema,
  sandboxProfileSchema,
  taskClassesSchema,
  text,
} from './card-fields';
import { CURRENCY } from './money';
import type { OpenedNodeCard } from './node-card';

/** An offer is a promise of a price: long enough for a conversation, short enough that a changed price is soon the only one. */
export const ADVERTISEMENT_LIFE_MS = 60 * 60_000;

/**
 * One offer: what a node asks for what it does with one expert. Names the node card that it stands on and the expert
 * card that says what the expert was measured at. Its own id is its content id.
 */
export const hostAdvertisementSchema = v.pipe(
  v.strictObject({
    type: v.literal('host-advertisement'),
    v: v.literal(1),
    /** Who offers, and signs. */
    node: nodeIdSchema,
    /** Content id of the node card. */
    nodeCard: cidSchema,
    ...offeredExpertEntries,
    localityBucket: v.picklist(LOCALITY_BUCKETS),
    offer: v.strictObject({
      roles: rolesSchema,
      acceptedPayment: listOf(v.literal(CURRENCY), 1, 1),
      /** Micros per token; null for what is not offered. */
      rateMicros: v.strictObject({
        inference: v.nullable(rateMicrosSchema),
        training: v.nullable(rateMicrosSchema),
        verification: v.nullable(rateMicrosSchema),
      }),
      /** What a job costs at least, however short. */
      minimumJobMicros: amountMicrosSchema,
    }),
    availability: v.strictObject({
      deviceClass: v.picklist(DEVICE_CLASSES),
      maxConcurrentJobs: count(10_000, 1),
      /** How it is asked: the capability that takes the job, over a link with the node. */
      endpointHint: text(64),
      uptimeWindowHours: count(24, 1),
    }),
    policy: v.strictObject({
      acceptedTaskClasses: taskClassesSchema,
      /** How private a prompt may be that is sent there: it is read there in clear. */
      maxPromptPrivacyClass: v.picklist(PRIVACY_CLASSES),
      sandboxProfile: sandboxProfileSchema,
    }),
    /** Receipts that a job leaves under this offer. */
    receiptRequirements: receiptNamesSchema,
    at: instantSchema,
    expiresAt: instantSchema,
  }),
  v.check((body) => livesAtMost(body, ADVERTISEMENT_LIFE_MS), 'an expiry out of bounds'),
);

export type HostAdvertisement = v.InferOutput<typeof hostAdvertisementSchema>;
/** `id` is the content id of the signed offer. */
export type OpenedAdvertisement = HostAdvertisement & { readonly id: string };
/** What the node card does not say yet. */
export type AdvertisementDraft = Pick<
  HostAdvertisement,
  'expert' | 'modelHash' | 'expertCard' | 'offer' | 'policy' | 'receiptRequirements' | 'at'
> & { readonly maxConcurrentJobs: number; readonly endpointHint: string };

/** An offer that stands on the signer's own card. A draft that the schema or a rule refuses is our own bug and throws. */
export function createAdvertisement(
  signer: Signer,
  card: OpenedNodeCard,
  { maxConcurrentJobs, endpointHint, ...draft }: AdvertisementDraft,
): Promise<Signed> {
  const { deviceClass, uptimeWindowHours } = card.capacity;
  const advertisement: HostAdvertisement = {
    type: 'host-advertisement',
    v: 1,
    node: signer.nodeId,
    nodeCard: card.id,
    localityBucket: card.locality.bucket,
    availability: { deviceClass, maxConcurrentJobs, endpointHint, uptimeWindowHours },
    ...draft,
    expiresAt: draft.at + ADVERTISEMENT_LIFE_MS,
  };
  const checked = unwrap(checkAgainst(hostAdvertisementSchema, advertisement));
  unwrap(firstOf(reportAdvertisement(checked, card, draft.at)));
  return sign(signer, checked);
}

/**
 * An offer from outside, held against the opened card of its node: through the gate, signed by that node and nobody else,
 * within its time, and valid. Codes of the gate and of `openSigned`, `signer_missing`, and of the first rule that
 * `reportAdvertisement` finds broken.
 */
export async function openAdvertisement(
  signed: Signed,
  card: OpenedNodeCard,
  verify: Verify,
  now: number,
): Promise<Result<OpenedAdvertisement>> {
  const opened = await openSigned(hostAdvertisementSchema, signed, verify);
  if (!opened.ok) return opened;
  const advertisement = opened.value;
  if (soleSigner(signed) !== advertisement.node) return fail('signer_missing', 'The offer is not signed by its node.');
  const valid = firstOf(reportAdvertisement(advertisement, card, now));
  return valid.ok ? ok({ ...advertisement, id: idOfSigned(signed) }) : valid;
}
