import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { soleSigner, type Community } from '../identity/community';
import { openSigned, type Signed } from '../wire/signed';
import type { LedgerState, ReservationState } from './ledger-state';
import type { OfferTerms } from './offer-terms';
import type { OpenedSettlement, OpenedVerdict } from './open-event';
import { REJECTIONS_THAT_VOID, voidCharge } from './rules/closing-rules';
import { PROPOSAL_RULES } from './rules/proposal-rules';
import { keepsAll } from './rules/rule';
import { certifiedAt, witnessesFor, type OutcomeWitness, type Witnessed, type WitnessSet } from './witnesses';

/** What a proposal signed in the last moment may still be on its way for. */
export const EXPIRY_GRACE_MS = 60_000;

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

const refuse = (code: string, message: string) => fail(code, message, message);

/** The witnesses of one reservation. */
export function witnessesOfReservation(
  { community, state }: { readonly community: Community; readonly state: LedgerState },
  { payer, roster }: Pick<ReservationState, 'payer' | 'roster'>,
): WitnessSet {
  const policy = community.economy;
  if (policy === undefined) return { witnesses: [], quorum: 1 };
  return witnessesFor(payer, policy, roster === null ? null : (state.rosterOf(roster) ?? null));
}

/**
 * Whether a witness may sign. It signs one end for each reservation, and no other end once it signed that work was proposed but by a
 * panel's ruling; with 2f + 1 of 3f + 1 of them bound like this no two ends are ever certified. Codes are stable and told to the asker.
 */
export function mayWitness(
  { community, state }: { readonly community: Community; readonly state: LedgerState },
  request: OutcomeRequest,
  before: SignedBefore,
  nowMs: number,
): Result<void> {
  const policy = community.economy;
  if (policy === undefined) return refuse('no_economy', 'Members of this community do not pay each other.');
  const reservation = state.reservationsById.get(request.reservation);
  if (reservation === undefined) return refuse('not_held', 'This node does not know that reservation.');
  const { outcome, chargeMicros, settlement } = request;
  const isBond = reservation.purpose === 'bond';
  const challenges = [...state.challengesById.values()].filter(({ proposal }) => {
    const proposed = state.proposalsById.get(proposal);
    return proposed?.reservation === reservation.id && proposed.settlement === settlement?.id;
  });
  const upheld = challenges.some(({ id }) => state.rulings.get(id) === 'upheld');
  if (before.end !== null) return refuse('already_ended', 'That reservation has another end.');
  if (before.proposed !== null && before.proposed.settlement !== (settlement?.id ?? null) && !upheld)
    return refuse('already_proposed', 'Other work is proposed for that reservation.');

  switch (outcome) {
    case 'proposed':
    case 'settled': {
      if (isBond) return mayTakeBond(state, reservation, outcome, chargeMicros);
      if (settlement === null) return refuse('proposal_missing', 'There is no work to be paid.');
      const kept = keepsAll(PROPOSAL_RULES, { ...settlement, community: community.id, policy, reservation });
      if (!kept.ok) return refuse(kept.error.code, kept.error.message);
      if (chargeMicros !== settlement.receipt.chargeMicros) return refuse('wrong_charge', 'The charge is another one.');
      if (outcome === 'proposed') {
        return nowMs <= reservation.expiresAt
          ? ok(undefined)
          : refuse('expired', 'The work was proposed after the reservation had expired.');
      }
      if (upheld) return refuse('challenge_upheld', 'A panel found the work wrong.');
      if (challenges.some(({ id }) => !state.rulings.has(id)))
        return refuse('challenged', 'The work is challenged, and the panel has not ruled yet.');
      const begun = certifiedAt(
        witnessesOfReservation({ community, state }, reservation),
        request.proposed,
        (statement) =>
          statement.reservation === reservation.id &&
          statement.outcome === 'proposed' &&
          statement.settlement === settlement.id &&
          statement.chargeMicros === chargeMicros,
      );
      if (begun === null) return refuse('not_proposed', 'Too few witnesses saw when the work was proposed.');
      return nowMs >= begun + settlement.receipt.challenge.windowSeconds * 1_000
        ? ok(undefined)
        : refuse('window_open', 'The work can still be challenged.');
    }
    case 'void': {
      if (before.proposed !== null && !upheld) return refuse('already_proposed', 'The work is proposed as accepted.');
      const { payer, payee, jobId, offer } = reservation;
      const about = request.reasons.every(
        ({ verdict }) =>
          verdict.verdict === 'rejected' &&
          verdict.jobId === jobId &&
          verdict.requester === payer &&
          verdict.executor === payee &&
          verdict.validator !== payer &&
          verdict.validator !== payee,
      );
      const validators = new Set(request.reasons.map(({ verdict }) => verdict.validator));
      if (!about || validators.size < REJECTIONS_THAT_VOID || validators.size !== request.reasons.length)
        return refuse('too_few_rejections', 'Fewer than two found the work wrong.');
      if (request.offer === null || request.offer.id !== offer)
        return refuse('cost_of_looking_unknown', 'The advertisement is missing.');
      return chargeMicros === voidCharge(policy, request.offer.minimumMicros, request.reasons.length)
        ? ok(undefined)
        : refuse('wrong_charge', 'The charge is another one.');
    }
    case 'released':
      if (before.proposed !== null) return refuse('already_proposed', 'Work is proposed for that reservation.');
      if (chargeMicros !== 0) return refuse('wrong_charge', 'A release charges nothing.');
      if (isBond) {
        const challenge = challengeBehind(state, reservation.id);
        return challenge !== null && state.rulings.get(challenge) === 'upheld'
          ? ok(undefined)
          : refuse('not_released', 'The challenge behind that bond was not upheld.');
      }
      return request.release?.reservation === reservation.id && request.release.payee === reservation.payee
        ? ok(undefined)
        : refuse('not_released', 'The node that was to be paid did not let the reservation go.');
    case 'expired':
      if (before.proposed !== null) return refuse('already_proposed', 'Work is proposed for that reservation.');
      if (chargeMicros !== 0) return refuse('wrong_charge', 'An expiry charges nothing.');
      return nowMs >= reservation.expiresAt + EXPIRY_GRACE_MS
        ? ok(undefined)
        : refuse('not_expired', 'The reservation has not expired.');
  }
}

function mayTakeBond(
  state: LedgerState,
  { id, amountMicros }: ReservationState,
  outcome: 'proposed' | 'settled',
  chargeMicros: number,
): Result<void> {
  const challenge = challengeBehind(state, id);
  if (outcome === 'proposed' || challenge === null || state.rulings.get(challenge) !== 'dismissed')
    return refuse('bond_not_lost', 'The challenge behind that bond was not dismissed.');
  return chargeMicros === amountMicros ? ok(undefined) : refuse('wrong_charge', 'A bond is lost whole.');
}

const challengeBehind = (state: LedgerState, bond: string): string | null =>
  [...state.challengesById.values()].find((challenge) => challenge.bond === bond)?.id ?? null;
