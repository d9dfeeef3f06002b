import * as v from 'valibot';
import { nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Result } from '../../base/result';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import {
  amountMicrosSchema,
  count,
  DEVICE_CLASSES,
  firstOf,
  listOf,
  livesAtMost,
  LOCALITY_BUCKETS,
  MAX_EXPERTS,
  offeredExpertEntries,
  PRIVACY_CLASSES,
  rateMicrosSchema,
  receiptNamesSchema,
  rolesSchema,
  sandboxProfileSchema,
  taskClassesSchema,
} from './card-fields';
import { CURRENCY } from './money';
import { reportNodeCard } from './node-card-rules';

/** Settings, model and device may be others tomorrow: a card is made anew every day at least. */
export const NODE_CARD_LIFE_MS = 24 * 60 * 60_000;
const HOURS_OF_A_DAY = 24;

/**
 * A host's card: what the node is, may earn with, can bear and demands, signed by the node itself. It stands for the
 * node's offers, each of which names it. The heartbeat of the bus is another thing: unsigned, and gone with the link.
 */
export const nodeCardSchema = v.pipe(
  v.strictObject({
    type: v.literal('node-card'),
    v: v.literal(1),
    /** Whose card it is, and who signs it. */
    node: nodeIdSchema,
    /** The key of the person who says that the node is theirs; the node itself where nobody does. A claim, until a certificate bears it out. */
    owner: nodeIdSchema,
    /** Work that the node can do. */
    availableRoles: rolesSchema,
    /** What it answers with, each by its weights and its signed expert card. */
    experts: v.pipe(
      v.array(v.strictObject(offeredExpertEntries)),
      v.maxLength(MAX_EXPERTS),
      v.check(
        (experts) => new Set(experts.map(({ modelHash }) => modelHash)).size === experts.length,
        'the same weights twice',
      ),
    ),
    locality: v.strictObject({
      /** The continent, at most. */
      bucket: v.picklist(LOCALITY_BUCKETS),
      /** A country by ISO 3166-1, where the person states one. */
      jurisdictionHint: v.nullable(v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, 'not a country'))),
      /** No card tells where exactly a node is. */
      exactLocationDisclosed: v.literal(false),
    }),
    capacity: v.strictObject({
      /** The tier of the device. */
      deviceClass: v.picklist(DEVICE_CLASSES),
      /** Graphics processors that were measured; 0 where there is none, or where nobody looked. */
      gpuCount: count(64),
      /** Of one of them, in MiB, what pages are certainly given at once: no browser tells how much there is. */
      gpuMemoryMib: count(16_777_216),
      /** Main memory in GB as the browser tells it, rounded down to a power of two and capped; null where it does not. */
      memoryGb: v.nullable(count(65_536, 1)),
      /** What the browser estimates of the line, in megabits a second; null where it does not. */
      bandwidthMbps: v.nullable(count(1_000_000, 1)),
      /** Jobs that may wait or run there at once. */
      maxConcurrentJobs: count(10_000, 1),
      /** Hours of a day in which the person lends the device. */
      uptimeWindowHours: count(HOURS_OF_A_DAY, 1),
      /** Thousandths of a token per second that it writes with the model that it serves; null before that was measured. */
      decodeMilliTokensPerS: v.nullable(count(1e12, 1)),
    }),
    economicPolicy: v.strictObject({
      /** The key that credits go to. */
      creditAccount: nodeIdSchema,
      currency: v.literal(CURRENCY),
      /** Roles that it takes credits for; 0 is a price too. */
      earningRoles: rolesSchema,
      /** Micros per token below which it makes no offer. */
      minimumRateMicros: v.strictObject({
        inference: rateMicrosSchema,
        training: rateMicrosSchema,
        verification: rateMicrosSchema,
      }),
      /** What it puts down before it works. */
      collateralRequiredMicros: amountMicrosSchema,
      /** Whether others may sell on what they bought here. */
      resaleAllowed: v.boolean(),
    }),
    hostPolicy: v.strictObject({
      acceptedTaskClasses: taskClassesSchema,
      /** Work that it refuses whoever asks. */
      rejectedTaskClasses: taskClassesSchema,
      sandboxProfiles: listOf(sandboxProfileSchema, 8),
      /** How private a prompt may be that is sent there: it is read there in clear. */
      maxPromptPrivacyClass: v.picklist(PRIVACY_CLASSES),
    }),
    /** Receipts without which it does not work. */
    receiptsRequired: receiptNamesSchema,
    at: instantSchema,
    expiresAt: instantSchema,
  }),
  v.check((body) => livesAtMost(body, NODE_CARD_LIFE_MS), 'an expiry out of bounds'),
);

export type SignedNodeCard = v.InferOutput<typeof nodeCardSchema>;
/** `id` is the content id of the signed card; offers name it. */
export type OpenedNodeCard = SignedNodeCard & { readonly id: string };
/** Everything of a card but what its making adds. */
export type NodeCardDraft = Omit<SignedNodeCard, 'type' | 'v' | 'node' | 'expiresAt'>;

/** The signer's card. A draft that the schema or a rule refuses is our own bug and throws. */
export function createNodeCard(signer: Signer, draft: NodeCardDraft): Promise<Signed> {
  const card: SignedNodeCard = {
    type: 'node-card',
    v: 1,
    node: signer.nodeId,
    ...draft,
    expiresAt: draft.at + NODE_CARD_LIFE_MS,
  };
  const checked = unwrap(checkAgainst(nodeCardSchema, card));
  unwrap(firstOf(reportNodeCard(checked, draft.at)));
  return sign(signer, checked);
}

/**
 * A card from outside: through the gate, signed by its node and nobody else, within its time, and valid. Codes of the gate
 * and of `openSigned`, `signer_missing`, and of the first rule that `reportNodeCard` finds broken.
 */
export async function openNodeCard(signed: Signed, verify: Verify, now: number): Promise<Result<OpenedNodeCard>> {
  const opened = await openSigned(nodeCardSchema, signed, verify);
  if (!opened.ok) return opened;
  const card = opened.value;
  if (soleSigner(signed) !== card.node) return fail('signer_missing', 'The node card is not signed by its own node.');
  const valid = firstOf(reportNodeCard(card, now));
  return valid.ok ? ok({ ...card, id: idOfSigned(signed) }) : valid;
}
