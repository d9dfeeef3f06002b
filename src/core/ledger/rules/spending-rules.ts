import type { NodeId } from '../../base/ids';
import type { EconomyPolicy } from '../../identity/economy-policy';
import { availableMicros, type Account } from '../account';
import type { EventOf } from '../events';
import type { Rule } from './rule';

/** The longest that a payer's credit may be bound to one job: a day covers every job there is. */
export const MAX_RESERVATION_MS = 24 * 60 * 60 * 1_000;

export interface ReservationContext {
  readonly policy: EconomyPolicy | null;
  readonly payer: NodeId;
  /** When the payer says that it is. */
  readonly at: number;
  readonly reservation: EventOf<'reservation.made'>;
  /** Before this entry. */
  readonly account: Account;
  /** Whether the payer used this idempotency key before. */
  readonly keyUsed: boolean;
  /** The epoch of the roster that it names: -1 for the manifest's witnesses, null for an entry that names none. */
  readonly rosterEpoch: number | null;
  /** The latest epoch that the payer used before, -1 for none. */
  readonly epochBefore: number;
}

export const RESERVATION_RULES: readonly Rule<ReservationContext>[] = [
  {
    name: 'no_economy',
    sentence: 'Members of this community do not pay each other.',
    holds: ({ policy }) => policy !== null,
  },
  {
    name: 'pays_itself',
    sentence: 'A node reserved credit for itself.',
    holds: ({ payer, reservation }) => payer !== reservation.payee,
  },
  {
    name: 'idempotency_key_reused',
    sentence: 'A payer used one idempotency key for two reservations.',
    holds: ({ keyUsed }) => !keyUsed,
  },
  {
    name: 'reservation_too_long',
    sentence: 'A reservation ends before it begins, or binds credit for longer than a day.',
    holds: ({ at, reservation }) => reservation.expiresAt > at && reservation.expiresAt - at <= MAX_RESERVATION_MS,
  },
  {
    name: 'offer_missing',
    sentence: 'A reservation for work names no advertisement, or a bond names one.',
    holds: ({ reservation }) => (reservation.purpose === 'work') === (reservation.offer !== null),
  },
  {
    name: 'roster_unknown',
    sentence: 'A reservation names witnesses that nobody named.',
    holds: ({ rosterEpoch }) => rosterEpoch !== null,
  },
  {
    name: 'roster_outdated',
    sentence: 'A payer went back to witnesses that were replaced.',
    holds: ({ rosterEpoch, epochBefore }) => rosterEpoch! >= epochBefore,
  },
  {
    name: 'overdraft',
    sentence: 'A payer reserved more than it has.',
    holds: ({ account, reservation }) => reservation.amountMicros <= availableMicros(account),
  },
];

export interface GrantContext {
  readonly policy: EconomyPolicy | null;
  readonly from: NodeId;
  readonly grant: EventOf<'credit.granted'>;
  readonly account: Account;
}

export const GRANT_RULES: readonly Rule<GrantContext>[] = [
  {
    name: 'no_economy',
    sentence: 'Members of this community do not pay each other.',
    holds: ({ policy }) => policy !== null,
  },
  {
    name: 'grants_itself',
    sentence: 'A node granted itself a limit.',
    holds: ({ from, grant }) => from !== grant.to,
  },
  {
    name: 'limit_exceeded',
    sentence: 'A node granted more of its limit than it has.',
    // Only what is limit may be handed on, not what was earned: grants never come back.
    holds: ({ account, grant }) =>
      grant.amountMicros <= Math.min(availableMicros(account), account.limitMicros - account.carvedMicros),
  },
];
