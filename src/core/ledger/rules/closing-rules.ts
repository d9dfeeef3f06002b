import { cidOf, encodeCanonical } from '../../base/canonical';
import type { EconomyPolicy } from '../../identity/economy-policy';
import type { ChainEntry } from '../chain';
import { splitCharge } from '../credits';
import type { EventOf } from '../events';
import type { OfferTerms } from '../offer-terms';
import type { OpenedSettlement, OpenedVerdict } from '../open-event';
import { certifiedAt, type HeadWitness, type OutcomeWitness, type Witnessed, type WitnessSet } from '../witnesses';
import { PROPOSAL_RULES, type ReservedWork } from './proposal-rules';
import { keepsAll, type Rule } from './rule';

/** Rejections that make a lie out of a fault; a panel that upholds a challenge has as many. */
export const REJECTIONS_THAT_VOID = 2;

export interface ClosingContext {
  readonly community: string;
  readonly policy: EconomyPolicy | null;
  readonly closing: EventOf<'settlement.closed'>;
  /** The payer's entry that the closing carries, and what it says. */
  readonly entry: ChainEntry<EventOf<'reservation.made'>>;
  readonly reservation: ReservedWork;
  readonly witnesses: WitnessSet;
  readonly heads: readonly Witnessed<HeadWitness>[];
  readonly settlement: OpenedSettlement | null;
  readonly proposed: readonly Witnessed<OutcomeWitness>[];
  readonly closed: readonly Witnessed<OutcomeWitness>[];
  readonly reasons: readonly OpenedVerdict[];
  readonly offer: OfferTerms | null;
}

const isBond = ({ entry }: ClosingContext): boolean => entry.event.purpose === 'bond';
const isPaidWork = (context: ClosingContext): boolean => !isBond(context) && context.closing.outcome === 'settled';

const headTime = ({ witnesses, heads, entry }: ClosingContext): number | null =>
  certifiedAt(
    witnesses,
    heads,
    ({ author, seq, entry: id }) => author === entry.author && seq === entry.seq && id === entry.id,
  );

/**
 * What an outcome's witnesses sign besides outcome and charge, so that it is fixed who is paid: the settlement, or what makes
 * the work void.
 */
export const basisOf = ({
  outcome,
  settlement,
  reasons,
  offer,
}: {
  readonly outcome: OutcomeWitness['outcome'];
  readonly settlement: Pick<OpenedSettlement, 'id'> | null;
  readonly reasons: readonly Pick<OpenedVerdict, 'id'>[];
  readonly offer: Pick<OfferTerms, 'id'> | null;
}): string | null =>
  outcome === 'void'
    ? cidOf(encodeCanonical({ reasons: reasons.map(({ id }) => id).sort(), offer: offer?.id ?? null }))
    : (settlement?.id ?? null);

const outcomeTime = (
  { witnesses, entry, settlement, reasons, offer }: ClosingContext,
  signed: readonly Witnessed<OutcomeWitness>[],
  outcome: OutcomeWitness['outcome'],
  chargeMicros: number,
): number | null => {
  const basis = basisOf({ outcome, settlement, reasons, offer });
  return certifiedAt(
    witnesses,
    signed,
    (statement) =>
      statement.reservation === entry.id &&
      statement.outcome === outcome &&
      statement.settlement === basis &&
      statement.chargeMicros === chargeMicros,
  );
};

const proposedTime = (context: ClosingContext): number | null =>
  outcomeTime(context, context.proposed, 'proposed', context.settlement?.receipt.chargeMicros ?? 0);

const closedTime = (context: ClosingContext): number | null =>
  outcomeTime(context, context.closed, context.closing.outcome, context.closing.chargeMicros);

/** Whether enough of others than the two sides rejected that very work. */
export function makesVoid(
  { jobId, payer, payee }: Pick<ReservedWork, 'jobId' | 'payer' | 'payee'>,
  reasons: readonly OpenedVerdict[],
): boolean {
  const about = reasons.every(
    ({ verdict }) =>
      verdict.verdict === 'rejected' &&
      verdict.jobId === jobId &&
      verdict.requester === payer &&
      verdict.executor === payee &&
      verdict.validator !== payer &&
      verdict.validator !== payee,
  );
  const validators = new Set(reasons.map(({ verdict }) => verdict.validator));
  return about && validators.size === reasons.length && reasons.length >= REJECTIONS_THAT_VOID;
}

/** What a payer owes for work that was found wrong: nothing but the part of those who looked, of the least that it costs. */
export function voidCharge(policy: EconomyPolicy, minimumMicros: number, validators: number): number {
  return splitCharge(policy, minimumMicros, validators).validatorMicros * validators;
}

/**
 * How a reservation ends, by what the closing carries alone: the payer's log is not asked, so that nothing that its payer, or
 * anybody whose word its payer built on, signs later can take it back. That the payer had what it reserved, that a challenge was
 * heard and how it ended is what the witnesses looked at before they signed. Each rule may rely on those above it.
 */
export const CLOSING_RULES: readonly Rule<ClosingContext>[] = [
  {
    name: 'no_economy',
    sentence: 'Members of this community do not pay each other.',
    holds: ({ policy }) => policy !== null,
  },
  {
    name: 'wrong_community',
    sentence: 'A settlement closes a reservation of another community.',
    holds: ({ community, entry }) => entry.community === community,
  },
  {
    name: 'head_not_witnessed',
    sentence: 'Too few witnesses saw that the reservation is the only word of its payer at that place.',
    // Where nothing is paid there is nothing to lose by a second one, and a payer gets back what it set aside in vain.
    holds: (context) => context.closing.chargeMicros === 0 || headTime(context) !== null,
  },
  {
    name: 'outcome_not_witnessed',
    sentence: 'Too few witnesses signed that outcome.',
    holds: (context) => closedTime(context) !== null,
  },
  {
    name: 'proposal_missing',
    sentence: 'A settlement pays for work that it does not show, or shows work that it does not pay.',
    holds: (context) => isPaidWork(context) === (context.settlement !== null),
  },
  {
    name: 'work_not_payable',
    sentence: 'The work that a settlement pays for breaks a rule of its own.',
    holds: ({ community, policy, reservation, settlement }) =>
      settlement === null || keepsAll(PROPOSAL_RULES, { ...settlement, community, policy, reservation }).ok,
  },
  {
    name: 'bond_void',
    sentence: 'A bond is void as if it were work.',
    holds: (context) => !isBond(context) || context.closing.outcome !== 'void',
  },
  {
    name: 'cost_of_looking_unknown',
    sentence: 'Work is declared void without the advertisement that says what looking at it costs.',
    holds: ({ closing, offer, reservation }) =>
      closing.outcome === 'void' ? offer !== null && offer.id === reservation.offer : offer === null,
  },
  {
    name: 'wrong_charge',
    sentence: 'A settlement pays another amount than it must.',
    holds: (context) => {
      const { closing, settlement, policy, offer, reasons, reservation } = context;
      if (closing.outcome === 'settled')
        return closing.chargeMicros === (isBond(context) ? reservation.amountMicros : settlement!.receipt.chargeMicros);
      if (closing.outcome === 'void')
        return closing.chargeMicros === voidCharge(policy!, offer!.minimumMicros, reasons.length);
      return closing.chargeMicros === 0;
    },
  },
  {
    name: 'charge_above_reserved',
    sentence: 'A settlement pays more than was reserved.',
    holds: ({ closing, reservation }) => closing.chargeMicros <= reservation.amountMicros,
  },
  {
    name: 'window_open',
    sentence: 'A settlement was closed before its challenge window was.',
    holds: (context) => {
      if (!isPaidWork(context)) return true;
      const begun = proposedTime(context);
      const { windowSeconds } = context.settlement!.receipt.challenge;
      return begun !== null && closedTime(context)! >= begun + windowSeconds * 1_000;
    },
  },
  {
    name: 'too_few_rejections',
    sentence: 'Work is declared void without two who found it wrong.',
    holds: ({ closing, reasons, reservation }) => {
      if (closing.outcome !== 'void') return reasons.length === 0;
      return makesVoid(reservation, reasons);
    },
  },
  {
    name: 'not_expired',
    sentence: 'A reservation was let go before it had expired.',
    holds: (context) => context.closing.outcome !== 'expired' || closedTime(context)! >= context.reservation.expiresAt,
  },
];
