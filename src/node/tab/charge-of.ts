import type { NodeId } from '#core/base/ids';
import type { LedgerState } from '#core/ledger/ledger-state';

/** What a node pays for jobs of its own. */
export interface Charge {
  readonly micros: number;
  /** So much at most: what is charged is not known yet. */
  readonly atMost: boolean;
  /** Nothing of it can change any more. */
  readonly closed: boolean;
}

/** Of all reservations of these jobs together; null where none is known. */
export function chargeOf(
  {
    reservationsById,
    closingByReservation,
    proposalsById,
  }: Pick<LedgerState, 'reservationsById' | 'closingByReservation' | 'proposalsById'>,
  payer: NodeId,
  jobIds: ReadonlySet<string>,
): Charge | null {
  let charge: Charge | null = null;
  for (const one of reservationsById.values()) {
    if (one.payer !== payer || one.purpose !== 'work' || !jobIds.has(one.jobId)) continue;
    const closing = closingByReservation.get(one.id);
    const proposal = one.proposal === null ? undefined : proposalsById.get(one.proposal);
    const before: Charge = charge ?? { micros: 0, atMost: false, closed: true };
    charge = {
      micros: before.micros + (closing?.chargeMicros ?? proposal?.chargeMicros ?? one.amountMicros),
      atMost: before.atMost || (closing === undefined && proposal === undefined),
      closed: before.closed && closing !== undefined,
    };
  }
  return charge;
}
