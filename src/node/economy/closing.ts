import { fail, ok, type Result } from '#core/base/result';
import type { Verify } from '#core/base/ports';
import type { EntryRef } from '#core/ledger/chain';
import type { Settlement } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { openReservation } from '#core/ledger/open-event';
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
}

/** A payer's entry as it is stored, and the witnesses' statements over it, as far as they are at hand. */
export interface Reserved {
  readonly entry: Uint8Array<ArrayBuffer>;
  readonly heads: readonly Signed[];
}

/** The naming of witnesses that an entry draws its own from, as what builds on that entry refers to it. */
export function rosterRefs(ledger: Ledger, roster: string | null): readonly EntryRef[] {
  const named = roster === null ? undefined : ledger.state.rostersById.get(roster);
  return named ? [{ author: named.author, seq: named.seq, id: named.id }] : [];
}

/**
 * Ends a reservation: asks its witnesses for the outcome, and writes the closing into this node's own log. It needs the payer's
 * entry and nothing else of the payer's log, so a payer that signed two histories owes what was certified. Codes: those of
 * reading the entry, `too_few_witnesses` (try again later), those of the ledger.
 */
export async function closeReservation(
  ledger: Ledger,
  witnessing: Witnessing,
  verify: Verify,
  reserved: Reserved,
  ending: Ending,
): Promise<Result<void>> {
  const opened = await openReservation(reserved.entry, verify);
  if (!opened.ok) return opened;
  const { id, author, seq, event } = opened.value;
  const set = witnessing.setFor(author, event.roster);
  const heads =
    reserved.heads.length >= set.quorum
      ? { statements: reserved.heads, complete: true }
      : await witnessing.certifyHead({ author, seq, id }, set);
  const { outcome, chargeMicros, settlement, proposed, reasons, offer, release } = ending;
  // Where nothing is paid nobody need have seen the reservation, and what was set aside in vain comes back.
  if (!heads.complete && chargeMicros > 0) return fail('too_few_witnesses', 'Too few witnesses can be reached now.');
  const closed = await witnessing.certifyOutcome(
    {
      reservation: id,
      certified: heads.complete ? { entry: reserved.entry, heads: [...heads.statements] } : null,
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
  const written = await ledger.append(
    {
      kind: 'settlement.closed',
      reservation: reserved.entry,
      heads: heads.complete ? [...heads.statements] : [],
      outcome,
      settlement,
      proposed: [...proposed],
      chargeMicros,
      closed: [...closed.statements],
      reasons: [...reasons],
      offer,
    },
    rosterRefs(ledger, event.roster),
  );
  return written.ok ? ok(undefined) : written;
}
