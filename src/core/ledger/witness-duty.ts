import * as v from 'valibot';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { soleSigner, type Community } from '../identity/community';
import { openSigned, type Signed } from '../wire/signed';
import type { ChainEntry } from './chain';
import type { EventOf } from './events';
import type { ChallengeState, LedgerState } from './ledger-state';
import type { OfferTerms } from './offer-terms';
import type { OpenedSettlement, OpenedVerdict } from './open-event';
import { basisOf, makesVoid, voidCharge } from './rules/closing-rules';
import { PROPOSAL_RULES, reservedWorkOf, type ReservedWork } from './rules/proposal-rules';
import { keepsAll } from './rules/rule';
import {
  certifiedAt,
  witnessesFor,
  type HeadWitness,
  type OutcomeWitness,
  type Witnessed,
  type WitnessSet,
} from './witnesses';

/** What a proposal signed in the last moment may still be on its way for. */
export const EXPIRY_GRACE_MS = 60_000;
/**
 * From the founder's naming of a roster until it takes the place of the one before: by then it has reached everyone who is
 * connected. Two rosters in force at once would each certify another history of one payer, and no witness need lie.
 */
export const HANDOVER_MS = 60 * 60 * 1_000;
/** Clocks differ: for so long before a change nobody signs for the outgoing roster. */
export const HANDOVER_GAP_MS = 5 * 60 * 1_000;
/** How long after its window a challenged settlement waits for a panel: whoever pays for a bond must not stop a payment for ever. */
export const RULING_MS = 24 * 60 * 60 * 1_000;

/** The roster from which a payer draws its witnesses now: the founder's entry, null for the manifest's witnesses. */
export function rosterInForce({ rostersById }: Pick<LedgerState, 'rostersById'>, nowMs: number): string | null {
  let latest: { readonly id: string; readonly epoch: number } | null = null;
  for (const { id, at, roster } of rostersById.values()) {
    if (at + HANDOVER_MS > nowMs) continue;
    const later = latest === null || roster.epoch > latest.epoch || (roster.epoch === latest.epoch && id < latest.id);
    if (later) latest = { id, epoch: roster.epoch };
  }
  return latest?.id ?? null;
}

/** The payee's word that it will not ask to be paid from a reservation. */
export const releaseSchema = v.strictObject({
  type: v.literal('reservation-release'),
  v: v.literal(1),
  community: cidSchema,
  reservation: cidSchema,
  payee: nodeIdSchema,
});

export type Release = v.InferOutput<typeof releaseSchema>;

export async function openRelease(signed: Signed, verify: Verify): Promise<Result<Release>> {
  const opened = await openSigned(releaseSchema, signed, verify);
  if (!opened.ok) return opened;
  if (soleSigner(signed) !== opened.value.payee)
    return fail('signer_missing', 'The release is not signed by the node that was to be paid.');
  return opened;
}

/** An outcome that a witness is asked to sign, with what it rests on. */
export interface OutcomeRequest {
  readonly reservation: string;
  /** The payer's entry and the witnesses' certificate that it stands: what counts of a payer who signed two histories. */
  readonly certified: {
    readonly entry: ChainEntry<EventOf<'reservation.made'>>;
    readonly heads: readonly Witnessed<HeadWitness>[];
  } | null;
  readonly outcome: OutcomeWitness['outcome'];
  readonly chargeMicros: number;
  readonly settlement: OpenedSettlement | null;
  /** Statements of others that it was proposed, for `settled`. */
  readonly proposed: readonly Witnessed<OutcomeWitness>[];
  /** For `void`. */
  readonly reasons: readonly OpenedVerdict[];
  readonly offer: OfferTerms | null;
  /** For `released`. */
  readonly release: Release | null;
}

/** What this witness signed for the same reservation before. */
export interface SignedBefore {
  readonly proposed: OutcomeWitness | null;
  readonly end: OutcomeWitness | null;
}

interface Held {
  readonly community: Community;
  readonly state: LedgerState;
}

/** Why a witness does not sign, told to whoever asks. The rules of proposals are such reasons too. */
export const WITNESS_REFUSALS = {
  banned: 'That node signed two different histories.',
  entry_refused: 'That entry breaks a rule, or waits for another one.',
  roster_not_in_force: 'That entry draws its witnesses from a roster that is not in force now.',
  no_economy: 'Members of this community do not pay each other.',
  not_held: 'This node does not know that reservation.',
  already_ended: 'That reservation has another end.',
  proposal_missing: 'There is no work to be paid.',
  already_proposed: 'Other work is proposed for that reservation.',
  wrong_charge: 'The charge is another one.',
  not_published: 'The payee did not write that work into its log, where others can challenge it.',
  expired: 'The work was proposed after the reservation had expired.',
  challenge_upheld: 'A panel found the work wrong.',
  not_proposed: 'Too few witnesses saw when the work was proposed.',
  window_open: 'The work can still be challenged.',
  challenged: 'The work is challenged, and the panel has not ruled yet.',
  too_few_rejections: 'Fewer than two found the work wrong.',
  cost_of_looking_unknown: 'The advertisement is missing.',
  charge_above_reserved: 'The charge is more than was reserved.',
  not_released: 'The node that was to be paid did not let the reservation go.',
  not_expired: 'The reservation has not expired.',
  bond_not_lost: 'The challenge behind that bond was not dismissed.',
  not_upheld: 'The challenge behind that bond was not upheld.',
  bond_lost: 'The challenge behind that bond was dismissed.',
  not_work: 'A bond is no work: nothing is proposed for it, and it is never void.',
} as const;

const refuse = (code: keyof typeof WITNESS_REFUSALS) => fail(code, WITNESS_REFUSALS[code], WITNESS_REFUSALS[code]);

/** The witnesses of one reservation. */
export function witnessesOfReservation(
  { community, state }: Held,
  { payer, roster }: { readonly payer: NodeId; readonly roster: string | null },
): WitnessSet {
  const policy = community.economy;
  const named = roster === null ? null : state.rostersById.get(roster);
  if (policy === undefined || named === undefined) return { witnesses: [], quorum: 1 };
  return witnessesFor(payer, policy, named);
}

/**
 * Whether a witness may sign that an entry is the only one that it saw at its place. Codes: `banned`, `entry_refused`,
 * `roster_not_in_force`.
 */
export function mayWitnessHead(
  state: LedgerState,
  { author, entry }: Pick<HeadWitness, 'author' | 'entry'>,
  nowMs: number,
): Result<void> {
  if (state.bannedFrom.has(author)) return refuse('banned');
  if (state.grantsById.get(entry)?.from === author) return ok(undefined);
  const reservation = state.reservationsById.get(entry);
  if (reservation?.payer !== author) return refuse('entry_refused');
  const inForce = [nowMs, nowMs + HANDOVER_GAP_MS].every((at) => rosterInForce(state, at) === reservation.roster);
  return inForce ? ok(undefined) : refuse('roster_not_in_force');
}

/** The reservation by its payer's log, or, where that log counts no more, by what was certified of it. */
function reservationOf(
  held: Held,
  { reservation: id, certified }: OutcomeRequest,
): (ReservedWork & { readonly roster: string | null }) | null {
  const known = held.state.reservationsById.get(id);
  if (known !== undefined) return known;
  if (certified === null || certified.entry.id !== id || certified.entry.community !== held.community.id) return null;
  const { entry, heads } = certified;
  // Of anybody else the log is to be had, and with it what is proposed and challenged.
  if ((held.state.bannedFrom.get(entry.author) ?? Infinity) > entry.seq) return null;
  const { roster } = entry.event;
  const stands = certifiedAt(
    witnessesOfReservation(held, { payer: entry.author, roster }),
    heads,
    (statement) => statement.author === entry.author && statement.seq === entry.seq && statement.entry === id,
  );
  return stands === null ? null : { ...reservedWorkOf(entry), roster };
}

/**
 * Whether a witness may sign. It signs one end for each reservation, and no other end once it signed that work was proposed but by a
 * panel's ruling; with 2f + 1 of 3f + 1 of them bound like this no two ends are ever certified. Codes are stable and told to the asker.
 */
export function mayWitness(held: Held, request: OutcomeRequest, before: SignedBefore, nowMs: number): Result<void> {
  const { community, state } = held;
  const policy = community.economy;
  if (policy === undefined) return refuse('no_economy');
  const reservation = reservationOf(held, request);
  if (reservation === null) return refuse('not_held');
  const { outcome, chargeMicros, settlement } = request;
  if (before.end !== null) return refuse('already_ended');
  if (reservation.purpose === 'bond') return mayEndBond(state, reservation, request, nowMs);
  const challenges = heardChallenges(state, reservation.id);
  const upheld = challenges.some(({ id }) => state.rulings.get(id) === 'upheld');
  const proposedBefore = before.proposed !== null;

  switch (outcome) {
    case 'proposed':
    case 'settled': {
      if (settlement === null) return refuse('proposal_missing');
      if (proposedBefore && before.proposed.settlement !== settlement.id) return refuse('already_proposed');
      const kept = keepsAll(PROPOSAL_RULES, { ...settlement, community: community.id, policy, reservation });
      if (!kept.ok) return fail(kept.error.code, kept.error.message, kept.error.message);
      if (chargeMicros !== settlement.receipt.chargeMicros) return refuse('wrong_charge');
      if (!isPublished(state, reservation.id, settlement.id)) return refuse('not_published');
      if (outcome === 'proposed') {
        return nowMs <= reservation.expiresAt ? ok(undefined) : refuse('expired');
      }
      if (upheld) return refuse('challenge_upheld');
      const begun = certifiedAt(
        witnessesOfReservation(held, reservation),
        request.proposed,
        (statement) =>
          statement.reservation === reservation.id &&
          statement.outcome === 'proposed' &&
          statement.settlement === settlement.id &&
          statement.chargeMicros === chargeMicros,
      );
      if (begun === null) return refuse('not_proposed');
      const windowEnd = begun + settlement.receipt.challenge.windowSeconds * 1_000;
      if (nowMs < windowEnd) return refuse('window_open');
      if (nowMs < windowEnd + RULING_MS && challenges.some(({ id }) => !state.rulings.has(id)))
        return refuse('challenged');
      return ok(undefined);
    }
    case 'void': {
      if (proposedBefore && !upheld) return refuse('already_proposed');
      if (!makesVoid(reservation, request.reasons)) return refuse('too_few_rejections');
      if (request.offer === null || request.offer.id !== reservation.offer) return refuse('cost_of_looking_unknown');
      const owed = voidCharge(policy, request.offer.minimumMicros, request.reasons.length);
      if (chargeMicros !== owed) return refuse('wrong_charge');
      return owed <= reservation.amountMicros ? ok(undefined) : refuse('charge_above_reserved');
    }
    case 'released':
      if (proposedBefore) return refuse('already_proposed');
      if (chargeMicros !== 0) return refuse('wrong_charge');
      return request.release?.reservation === reservation.id && request.release.payee === reservation.payee
        ? ok(undefined)
        : refuse('not_released');
    case 'expired':
      // Found wrong and yet not void, because too few looked: then nobody is paid.
      if (proposedBefore && !upheld) return refuse('already_proposed');
      if (chargeMicros !== 0) return refuse('wrong_charge');
      return nowMs >= reservation.expiresAt + EXPIRY_GRACE_MS ? ok(undefined) : refuse('not_expired');
  }
}

/** Challenges whose bond is still there, or was when a panel ruled: without one a challenge costs nothing. */
const heardChallenges = (state: LedgerState, reservation: string): readonly ChallengeState[] =>
  state
    .challengesOf(reservation)
    .filter(({ id, bond }) => state.rulings.has(id) || !state.closingByReservation.has(bond));

/** Whether everybody can see what is to be paid. Of a payer whose log counts no more nothing can be proposed, and nobody challenges. */
function isPublished(state: LedgerState, reservation: string, settlement: string): boolean {
  const known = state.reservationsById.get(reservation);
  if (known === undefined) return true;
  return known.proposal !== null && state.proposalsById.get(known.proposal)?.settlement === settlement;
}

function mayEndBond(
  state: LedgerState,
  { id, amountMicros, expiresAt }: ReservedWork,
  { outcome, chargeMicros }: OutcomeRequest,
  nowMs: number,
): Result<void> {
  const challenge = state.challengesById.get(state.challengeByBond.get(id) ?? '') ?? null;
  const ruling = challenge === null ? null : (state.rulings.get(challenge.id) ?? null);
  switch (outcome) {
    case 'settled':
      if (ruling !== 'dismissed') return refuse('bond_not_lost');
      return chargeMicros === amountMicros ? ok(undefined) : refuse('wrong_charge');
    case 'released':
      if (chargeMicros !== 0) return refuse('wrong_charge');
      return ruling === 'upheld' ? ok(undefined) : refuse('not_upheld');
    case 'expired': {
      if (chargeMicros !== 0) return refuse('wrong_charge');
      if (ruling === 'dismissed') return refuse('bond_lost');
      // Behind a challenge it stays for as long as a panel may take, or whoever challenges would have nothing to lose.
      const windowSeconds = state.proposalsById.get(challenge?.proposal ?? '')?.windowSeconds ?? 0;
      const longerMs = challenge === null ? 0 : windowSeconds * 1_000 + RULING_MS;
      return nowMs >= expiresAt + EXPIRY_GRACE_MS + longerMs ? ok(undefined) : refuse('not_expired');
    }
    case 'proposed':
    case 'void':
      return refuse('not_work');
  }
}

/** What a witness signs when it may; the content id fixes who is paid. */
export const outcomeStatement = (community: string, request: OutcomeRequest, nowMs: number): OutcomeWitness => ({
  type: 'witness-outcome',
  v: 1,
  community,
  reservation: request.reservation,
  outcome: request.outcome,
  settlement: basisOf(request),
  chargeMicros: request.chargeMicros,
  at: nowMs,
});
