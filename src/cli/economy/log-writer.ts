import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { unwrap, type Failure } from '#core/base/result';
import type { Community } from '#core/identity/community';
import { EMPTY_HEAD, signEntry, type ChainHead, type EntryRef } from '#core/ledger/chain';
import type { EventOf, LedgerEvent, Settlement } from '#core/ledger/events';
import { settlementIdOf } from '#core/ledger/events';
import { createLedgerFold } from '#core/ledger/fold';
import type { LedgerState } from '#core/ledger/ledger-state';
import { openLedgerEntry } from '#core/ledger/open-event';
import type { HeadWitness, Outcome, OutcomeWitness } from '#core/ledger/witnesses';
import { sign, type Signed } from '#core/wire/signed';
import { verifiedBefore } from '#core/ledger/verified-before';

/** An entry that somebody wrote, and what the rules say of it. */
export interface Written {
  readonly ref: EntryRef;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly refused: Failure | null;
}

/** Logs of several nodes, written in one process whose keys are all at hand: for samples and tests. */
export interface LogWriter {
  readonly state: LedgerState;
  /** Ascending by author, as a ledger file has them. */
  readonly logs: readonly { readonly author: NodeId; readonly entries: readonly Uint8Array<ArrayBuffer>[] }[];
  rootOf(author: NodeId): Uint8Array<ArrayBuffer>;
  write(signer: Signer, at: number, event: LedgerEvent, refs?: readonly EntryRef[]): Promise<Written>;
  /** Words of all witnesses that the entry is the only one at its place. */
  headsOf(entry: Written, at: number): Promise<readonly Signed[]>;
  /** Words of all witnesses about how a reservation went. */
  outcomesOf(
    reservation: Written,
    outcome: 'proposed' | Outcome,
    about: { readonly settlement: Settlement | null; readonly chargeMicros: number; readonly at: number },
  ): Promise<readonly Signed[]>;
}

export function createLogWriter(community: Community, witnesses: readonly Signer[]): LogWriter {
  const fold = createLedgerFold(community);
  const logsByAuthor = new Map<NodeId, { head: ChainHead; entries: Uint8Array<ArrayBuffer>[] }>();
  const witnessed = (body: HeadWitness | OutcomeWitness): Promise<readonly Signed[]> =>
    Promise.all(witnesses.map((witness) => sign(witness, body)));

  return {
    state: fold.state,
    get logs() {
      return [...logsByAuthor]
        .map(([author, { entries }]) => ({ author, entries }))
        .sort((a, b) => (a.author < b.author ? -1 : 1));
    },
    rootOf: (author) => fold.rootOf(author),
    async write(signer, at, event, refs = []) {
      const log = logsByAuthor.get(signer.nodeId) ?? { head: EMPTY_HEAD, entries: [] };
      logsByAuthor.set(signer.nodeId, log);
      const seenLamport = fold.state.maxLamport;
      const { entry, bytes, head } = await signEntry(signer, log.head, {
        community: community.id,
        event,
        at,
        refs,
        seenLamport,
      });
      const added = fold.add(unwrap(await openLedgerEntry(bytes, verifiedBefore)));
      if (added.status !== 'added') throw new Error(`The entry is ${added.status}.`);
      log.head = head;
      log.entries.push(bytes);
      return { ref: { author: entry.author, seq: entry.seq, id: entry.id }, bytes, refused: added.refused };
    },
    headsOf: ({ ref }, at) =>
      witnessed({
        type: 'witness-head',
        v: 1,
        community: community.id,
        author: ref.author,
        seq: ref.seq,
        entry: ref.id,
        at,
      }),
    outcomesOf: ({ ref }, outcome, { settlement, chargeMicros, at }) =>
      witnessed({
        type: 'witness-outcome',
        v: 1,
        community: community.id,
        reservation: ref.id,
        outcome,
        settlement: settlement === null ? null : settlementIdOf(settlement),
        chargeMicros,
        at,
      }),
  };
}

/** The event that ends a reservation, with every word on which it rests. */
export async function closingOf(
  writer: LogWriter,
  reservation: Written,
  outcome: Outcome,
  {
    settlement,
    chargeMicros,
    proposedAt,
    closedAt,
  }: {
    readonly settlement: Settlement | null;
    readonly chargeMicros: number;
    readonly proposedAt: number;
    readonly closedAt: number;
  },
): Promise<EventOf<'settlement.closed'>> {
  const about = { settlement, chargeMicros };
  return {
    kind: 'settlement.closed',
    reservation: reservation.bytes,
    heads: [...(await writer.headsOf(reservation, proposedAt))],
    outcome,
    chargeMicros,
    settlement,
    proposed:
      settlement === null ? [] : [...(await writer.outcomesOf(reservation, 'proposed', { ...about, at: proposedAt }))],
    closed: [...(await writer.outcomesOf(reservation, outcome, { ...about, at: closedAt }))],
    reasons: [],
    offer: null,
  };
}
