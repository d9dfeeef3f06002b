import { fail, ok, type Result } from '#core/base/result';
import type { EntryRef } from '#core/ledger/chain';
import type { Settlement } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import type { Outcome } from '#core/ledger/witnesses';
import type { Signed } from '#core/wire/signed';
import type { Witnessing } from './witnessing';

/** How a reservation is to end, and what that rests on. */
export interface Ending {
  readonly outcome: Outcome;
  readonly chargeMicros: number;
  readonly settlement: Settlement | null;
  readonly proposed: readonly Signed[];
  readonly reasons: readonly Signed[];
  readonly offer: Signed | null;
  readonly release: Signed | null;
  /** Witness statements over the reservation that are at hand; asked for anew when they are too few. */
  readonly heads: readonly Signed[];
}

/** The entry of a reservation as others refer to it. */
export function refOf(ledger: Ledger, reservation: string): EntryRef | null {
  const known = ledger.state.reservationsById.get(reservation);
  return known ? { author: known.payer, seq: known.seq, id: known.id } : null;
}

/**
 * Ends a reservation: asks its witnesses for the outcome, and writes the closing into this node's own log. Codes: `unknown_reservation`,
 * `too_few_witnesses` (try again later), those of the ledger.
 */
export async function closeReservation(
  ledger: Ledger,
  witnessing: Witnessing,
  reservation: string,
  ending: Ending,
): Promise<Result<void>> {
  const known = ledger.state.reservationsById.get(reservation);
  const ref = refOf(ledger, reservation);
  if (!known || !ref) return fail('unknown_reservation', 'That reservation is not known here.');
  const read = await ledger.bytesOf(known.payer, known.seq, 1);
  if (!read.ok) return read;
  const set = witnessing.setFor(known.payer, known.roster);
  const heads =
    ending.heads.length >= set.quorum
      ? { statements: ending.heads, complete: true }
      : await witnessing.certifyHead(ref, set);
  if (!heads.complete) return fail('too_few_witnesses', 'Too few witnesses can be reached now.');
  const { outcome, chargeMicros, settlement, proposed, reasons, offer, release } = ending;
  const closed = await witnessing.certifyOutcome(
    {
      reservation,
      outcome,
      chargeMicros,
      settlement,
      proposed: [...proposed],
      reasons: [...reasons],
      offer,
      release,
    },
    set,
  );
  if (!closed.complete) return fail('too_few_witnesses', 'Too few witnesses can be reached now.');
  const ruling = known.purpose === 'bond' ? rulingRef(ledger, reservation) : null;
  const written = await ledger.append(
    {
      kind: 'settlement.closed',
      reservation: read.value[0]!,
      heads: [...heads.statements],
      outcome,
      settlement,
      proposed: [...proposed],
      chargeMicros,
      closed: [...closed.statements],
      reasons: [...reasons],
      offer,
    },
    ruling === null ? [ref] : [ref, ruling],
  );
  return written.ok ? ok(undefined) : written;
}

/** The ruling on the challenge behind a bond, which its closing must refer to. */
function rulingRef(ledger: Ledger, bond: string): EntryRef | null {
  const challenge = [...ledger.state.challengesById.values()].find((one) => one.bond === bond);
  return challenge ? (ledger.state.rulingRefs(challenge.id)[0] ?? null) : null;
}
