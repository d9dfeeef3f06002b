import * as v from 'valibot';
import { cidOf, encodeCanonical } from '../base/canonical';
import { cidSchema, idSchema, nodeIdSchema } from '../base/ids';
import { instantSchema } from '../identity/community';
import { microsSchema } from '../identity/economy-policy';
import { bytesSchema } from '../wire/gate';
import { signedSchema } from '../wire/signed';
import { OUTCOMES, rosterSchema } from './witnesses';

/** Verdicts that one settlement or ruling may bring. */
export const MAX_VERDICTS = 8;
/** Witness statements of one kind: one from each that may be drawn. */
export const MAX_STATEMENTS = 13;
/** Entries that another one carries (reservations, grants) are some 700 bytes; one that is much larger is none of ours. */
export const MAX_CARRIED_BYTES = 4 * 1024;

/** A sentence of 280 characters and nine content ids, the most that a statement of the evidence graph holds, are 1.7 KB. */
export const MAX_GRAPH_STATEMENT_BYTES = 2 * 1024;

/** A contribution with a contract of a skill and the terms of a few teachers is 6 KB. */
export const MAX_GROWTH_STATEMENT_BYTES = 12 * 1024;

const positiveMicros = v.pipe(microsSchema, v.minValue(1));
const statements = (most: number) => v.pipe(v.array(signedSchema), v.maxLength(most));

/** Everything by which the price of one job can be judged. */
export const settlementSchema = v.strictObject({
  offer: signedSchema,
  receipt: signedSchema,
  commitment: signedSchema,
  verdicts: statements(MAX_VERDICTS),
});

export type Settlement = v.InferOutput<typeof settlementSchema>;

/** What witnesses sign when they fix a settlement: the content id of all of it. */
export const settlementIdOf = (settlement: Settlement): string => cidOf(encodeCanonical(settlement));

/**
 * What a node writes into its log. Every event is named in the past tense and carries the statement that it is about. What
 * it builds on in the logs of others it carries too, with the witnesses' certificate where money hangs on it: then nothing that its
 * author signs later can take it back. Entries for which it must wait stand in the entry's `refs`.
 */
export const ledgerEventSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('receipt.recorded'), receipt: signedSchema }),
  v.strictObject({ kind: v.literal('work.committed'), commitment: signedSchema }),
  /** A validator's verdict is fixed before it is told: digest of salt and content id; see experts/validators/sealed-verdict. */
  v.strictObject({
    kind: v.literal('verdict.sealed'),
    jobId: idSchema,
    requester: nodeIdSchema,
    seal: v.pipe(
      bytesSchema(32),
      v.check((bytes) => bytes.length === 32, 'not a digest'),
    ),
  }),
  v.strictObject({ kind: v.literal('verdict.given'), verdict: signedSchema }),
  v.strictObject({ kind: v.literal('trace.sealed'), traceId: idSchema, seal: signedSchema }),
  v.strictObject({ kind: v.literal('contribution.decided'), on: v.boolean() }),
  v.strictObject({ kind: v.literal('community.joined'), community: cidSchema }),
  v.strictObject({ kind: v.literal('community.left'), community: cidSchema }),

  /** An advertisement under which this node works for credit. */
  v.strictObject({ kind: v.literal('offer.published'), offer: signedSchema }),
  /** By the founder: who may be drawn as a witness from now on. */
  v.strictObject({ kind: v.literal('witnesses.named'), roster: rosterSchema }),
  /** Part of this node's own limit becomes another's, for good. */
  v.strictObject({
    kind: v.literal('credit.granted'),
    to: nodeIdSchema,
    amountMicros: positiveMicros,
    /** The invitation by which the other came. */
    invite: v.nullable(cidSchema),
  }),
  /** A grant that this node counts from here on. Certified, so that it stands whatever its giver signs later. */
  v.strictObject({
    kind: v.literal('credit.claimed'),
    grant: bytesSchema(MAX_CARRIED_BYTES),
    heads: statements(MAX_STATEMENTS),
  }),
  /** The payer's authorisation: so much is set aside for one job of one node. Its entry is the spend key. */
  v.strictObject({
    kind: v.literal('reservation.made'),
    /** A bond stands behind a challenge; what it names as payee is the challenged node. */
    purpose: v.picklist(['work', 'bond']),
    jobId: idSchema,
    payee: nodeIdSchema,
    /** Content id of the advertisement; null for a bond. */
    offer: v.nullable(cidSchema),
    amountMicros: positiveMicros,
    /** Until when work must have been proposed for settlement. */
    expiresAt: instantSchema,
    idempotencyKey: idSchema,
    /** The entry that named the witnesses, also in `refs`; null for those of the manifest. */
    roster: v.nullable(cidSchema),
  }),
  /** By the payee, whose work was checked. */
  v.strictObject({ kind: v.literal('settlement.proposed'), reservation: cidSchema, settlement: settlementSchema }),
  /**
   * How a reservation ended. It carries all that it rests on, so it means the same in every log that holds it; to whom it gives or
   * frees credit writes it into its own log and can spend from there on.
   */
  v.strictObject({
    kind: v.literal('settlement.closed'),
    /** The payer's entry as it is stored. */
    reservation: bytesSchema(MAX_CARRIED_BYTES),
    /** That the reservation is the payer's only word at its place. */
    heads: statements(MAX_STATEMENTS),
    outcome: v.picklist(OUTCOMES),
    settlement: v.nullable(settlementSchema),
    /** When the settlement was proposed; empty where none was. */
    proposed: statements(MAX_STATEMENTS),
    chargeMicros: microsSchema,
    /** The outcome, after the challenge window where there was one. */
    closed: statements(MAX_STATEMENTS),
    /** Rejecting verdicts and the advertisement that says what looking costs, for `void`. */
    reasons: statements(MAX_VERDICTS),
    offer: v.nullable(signedSchema),
  }),
  /** Somebody checked again within the window and found the work wrong. The proposal and the bond stand in `refs`, in this order. */
  v.strictObject({
    kind: v.literal('challenge.raised'),
    proposal: cidSchema,
    verdict: signedSchema,
    /** A reservation of this node's with `purpose: 'bond'`. */
    bond: cidSchema,
  }),
  /** What the panel of three found. */
  v.strictObject({ kind: v.literal('dispute.ruled'), challenge: cidSchema, verdicts: statements(MAX_VERDICTS) }),

  /** A copy of a work receipt with both signatures. */
  v.strictObject({ kind: v.literal('work.receipted'), receipt: signedSchema }),
  v.strictObject({ kind: v.literal('verification.receipted'), receipt: signedSchema }),
  v.strictObject({ kind: v.literal('training.receipted'), receipt: signedSchema }),
  /** A contribution of one of the six kinds, or a skill, with what it brought. */
  v.strictObject({ kind: v.literal('contribution.receipted'), receipt: signedSchema }),
  /** New credit for an accepted contribution, approved by the community's curators. Written by whoever gets it. */
  v.strictObject({
    kind: v.literal('credit.minted'),
    contribution: signedSchema,
    to: nodeIdSchema,
    amountMicros: positiveMicros,
    approvals: statements(MAX_STATEMENTS),
  }),
  /**
   * What this node says of contributions: that it gives one, what it found about another's, that it approves a mint; see
   * growth/growth-statement. As with the evidence graph, nothing here looks inside.
   */
  v.strictObject({ kind: v.literal('growth.stated'), statement: bytesSchema(MAX_GROWTH_STATEMENT_BYTES) }),
  /**
   * What this node says of evidence; see evidence/graph. The entry's signature is the statement's. Nothing here looks inside: who
   * does not use the graph holds it all the same, and a kind of statement that is not known here ends no log.
   */
  v.strictObject({ kind: v.literal('graph.stated'), statement: bytesSchema(MAX_GRAPH_STATEMENT_BYTES) }),
  /** Root of the Merkle tree over the content ids (as text) of this node's `length` entries before this one (RFC 9162). */
  v.strictObject({
    kind: v.literal('log.checkpointed'),
    length: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    root: v.pipe(
      bytesSchema(32),
      v.check((bytes) => bytes.length === 32, 'not a root'),
    ),
  }),
]);

export type LedgerEvent = v.InferOutput<typeof ledgerEventSchema>;
export type EventOf<Kind extends LedgerEvent['kind']> = Extract<LedgerEvent, { readonly kind: Kind }>;
