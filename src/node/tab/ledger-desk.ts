import type { Clock, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { KeptClaim } from '#core/evidence/kept-claim';
import type { Ledger } from '#core/ledger/ledger';
import type { LedgerState } from '#core/ledger/ledger-state';
import { compareStates } from './compare-states';
import type {
  ContestableWork,
  LedgerAudit,
  LedgerBeginning,
  LedgerDesk,
  LedgerLine,
  LedgerRun,
  LedgerSummary,
  LineDetail,
  ReplayProgress,
} from './ledger-desk-views';
import { chargeOf } from './charge-of';
import { challengeTo, ledgerLines } from './ledger-lines';
import { receiptDetail } from './ledger-views';
import type { Links } from '#core/transport/ports';
import type { Disputes } from '../economy/disputes';
import { findEntry } from '../economy/find-entry';
import { nameWitnesses, witnessNaming } from '../economy/witness-naming';
import { openStored, placeOf, readEntry, toldBy } from './line-entry';
import { createPace, replayHeld, type HeldReplay } from './replay-held';
import { verifyLine } from './verify-line';
import { workBehind, workReceiptView } from './work-receipt-view';

/** What is listed of refusals; all of them are counted. */
const MOST_REFUSALS = 100;
/** With more than this a digest over everything at once would be felt. */
const MOST_DIGESTED = 500;
/** A ledger that goes on while it is audited is held against what is used now so often, then what was found is told. */
const MOST_COMPARISONS = 5;

export interface LedgerDeskDeps {
  readonly ledger: Ledger;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly links: Links;
  /** Null where members do not pay each other. */
  readonly disputes: () => Promise<Disputes | null>;
  /** The job behind a commitment, with its words, where the trace of its receipt is kept here. */
  readonly claimOf: (receiptId: string, commitment: string) => Promise<Result<KeptClaim | null>>;
}

export function createLedgerDesk({ ledger, verify, clock, links, disputes, claimOf }: LedgerDeskDeps): LedgerDesk {
  const { author: self, community } = ledger;
  /** When proposals that wait were written; null where it was not found. */
  const proposedAt = new Map<string, number | null>();
  /** The jobs whose words the last bundle laid open, by commitment: a bundle is read once, however often it is asked what became of it. */
  let opened: { readonly bundle: Uint8Array; readonly claims: ReadonlyMap<string, KeptClaim> } | null = null;
  /** Of these, words of others' work that this person was given, by reservation. */
  let givenClaims: ReadonlyMap<string, KeptClaim> = new Map();

  function summary(): LedgerSummary {
    const heads = ledger.heads();
    return {
      head: ledger.head.id,
      ownEntries: ledger.head.length,
      logs: heads.length,
      entries: heads.reduce((sum, { length }) => sum + length, 0),
      unitsByNode: Object.fromEntries(ledger.state.unitsByNode),
    };
  }

  async function lines(): Promise<readonly LedgerLine[]> {
    const policy = community.economy;
    if (policy === undefined) return [];
    for (const { id, payer, payee, proposal } of ledger.state.reservationsById.values()) {
      if (proposal === null || proposedAt.has(proposal) || ledger.state.closingByReservation.has(id)) continue;
      const looked = ledger.state.proposalsById.get(proposal)?.validators.includes(self) ?? false;
      if (payer !== self && payee !== self && !looked) continue;
      const entry = await findEntry(ledger, payee, proposal);
      // It may still be on its way.
      if (entry !== null || ledger.heldFrom(payee) === 0) proposedAt.set(proposal, entry?.at ?? null);
    }
    return ledgerLines({ state: ledger.state, self, policy, proposedAt: (id) => proposedAt.get(id) ?? null });
  }

  async function line(id: string): Promise<Result<LineDetail>> {
    const found = (await lines()).find((one) => one.id === id);
    const place = placeOf(ledger, id);
    if (found === undefined || place === null)
      return fail('unknown_line', 'This line is not among those on this device.');
    const { state } = ledger;
    const closing = state.closingByReservation.get(id);
    const reservation = state.reservationsById.get(id);
    const read = await readEntry(ledger, place);
    if (!read.ok) return read;
    const opened = await openStored(read.value.bytes);
    if (!opened.ok) return fail('ledger_damaged', `Entry ${place.seq} of that log is damaged: ${opened.error.message}`);
    const fact = found.receiptId === null ? undefined : state.receiptsById.get(found.receiptId);
    const proposal = reservation?.proposal == null ? undefined : state.proposalsById.get(reservation.proposal);
    const work = await workBehind(ledger, id, opened.value);
    return ok({
      line: found,
      reservedMicros: closing?.reservedMicros ?? reservation?.amountMicros ?? null,
      chargeMicros: closing?.chargeMicros ?? proposal?.chargeMicros ?? null,
      credits: closing?.credits ?? [],
      ...toldBy(opened.value, work?.opened ?? null),
      work: work && workReceiptView(work, state),
      entry: place,
      receipt: fact === undefined ? null : receiptDetail(fact, state.isDiscredited(fact)),
    });
  }

  /** The finished job behind a reservation, with its words: as a bundle laid them open, else as they are kept here of what this node paid for. */
  async function claimFor(id: string, commitment: string): Promise<Result<KeptClaim>> {
    const given = givenClaims.get(id);
    if (given !== undefined) return ok(given);
    const found = (await lines()).find((one) => one.id === id);
    if (found?.receiptId == null) return fail('unknown_line', 'This line is not among those on this device.');
    const claim = await claimOf(found.receiptId, commitment);
    if (!claim.ok) return claim;
    if (claim.value !== null) return ok(claim.value);
    return fail('no_words', 'The words of this answer are not kept on this device, so it cannot be looked at again.');
  }

  /** Hands the words of work that is not settled to whoever looks at them again. */
  async function dispute<T>(
    id: string,
    work: (disputes: Disputes, claim: KeptClaim) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const desk = await disputes();
    if (desk === null) return fail('unknown_line', 'This line is not among those on this device.');
    const { state } = ledger;
    const proposal = state.proposalsById.get(state.reservationsById.get(id)?.proposal ?? '');
    if (proposal === undefined)
      return fail('nothing_proposed', 'Nothing is asked for that work yet, so there is nothing to challenge.');
    const claim = await claimFor(id, proposal.commitmentId);
    return claim.ok ? work(desk, claim.value) : claim;
  }

  async function contestable(bundle: Uint8Array<ArrayBuffer>): Promise<Result<readonly ContestableWork[]>> {
    const { state } = ledger;
    if (state.proposalsById.size === 0) return ok([]);
    if (opened?.bundle !== bundle) {
      const { bundleClaims } = await import('#core/evidence/bundle-claims');
      const claims = bundleClaims(bundle);
      if (!claims.ok) return claims;
      opened = { bundle, claims: claims.value };
    }
    const works: ContestableWork[] = [];
    const given = new Map<string, KeptClaim>();
    for (const { commitmentId, reservation, chargeMicros } of state.proposalsById.values()) {
      const claim = opened.claims.get(commitmentId);
      const known = state.reservationsById.get(reservation);
      if (claim === undefined || known === undefined || known.payee === self) continue;
      const closed = state.closingByReservation.has(reservation);
      const challenge = challengeTo(known, state);
      if (closed && challenge === null) continue;
      given.set(reservation, claim);
      works.push({ id: reservation, payer: known.payer, payee: known.payee, chargeMicros, closed, challenge });
    }
    givenClaims = given;
    return ok(works);
  }

  /** Work that may be stopped, and that says how far it is. */
  function run<T>(work: (signal: AbortSignal) => Promise<Result<T>>): LedgerRun<T> {
    const controller = new AbortController();
    return { outcome: work(controller.signal), cancel: () => controller.abort() };
  }

  async function replay(
    signal: AbortSignal,
    onProgress: (progress: ReplayProgress) => void,
  ): Promise<Result<HeldReplay>> {
    const missing = await ledger.missing();
    if (!missing.ok) return missing;
    if (missing.value.length > 0)
      return fail('not_all_here', 'Older entries are still on their way: audit when they are here.');
    return replayHeld(ledger, { verify, pace: createPace(clock), signal, onProgress });
  }

  async function beginning(): Promise<Result<LedgerBeginning | null>> {
    const missing = await ledger.missing();
    if (!missing.ok || ledger.start === null) return missing.ok ? ok(null) : missing;
    const { signed, statement } = ledger.start;
    return ok({
      at: statement.at,
      entries: statement.entries,
      signers: signed.signatures.map(({ keyId }) => keyId),
      missing: missing.value.reduce((sum, { from, to }) => sum + (to - from), 0),
    });
  }

  /** The state in use where all that was issued is in it. */
  async function settledState(): Promise<LedgerState> {
    await ledger.settled();
    return ledger.state;
  }

  const grewSince = ({ heads }: HeldReplay): boolean =>
    ledger.heads().some(({ author, length }) => heads.find((head) => head.author === author)?.length !== length);

  async function audit(
    signal: AbortSignal,
    onProgress: (progress: ReplayProgress) => void,
  ): Promise<Result<LedgerAudit>> {
    const began = clock.monotonicMs();
    for (let turn = 1; ; turn++) {
      const replayed = await replay(signal, onProgress);
      if (!replayed.ok) return replayed;
      const { fold, logs, entries, signatures, forgers, waiting } = replayed.value;
      const inUse = await settledState();
      const { compared, differences } = await compareStates(fold.state, inUse, createPace(clock));
      if (turn < MOST_COMPARISONS && (grewSince(replayed.value) || ledger.state !== inUse)) continue;
      const { state } = fold;
      const accounts = state.accountHolders;
      return ok({
        logs,
        entries,
        signatures,
        same: differences.length === 0,
        compared,
        differences,
        digests:
          entries > MOST_DIGESTED || state.receiptsById.size > MOST_DIGESTED
            ? null
            : { anew: state.digest(), inUse: inUse.digest() },
        supply:
          community.economy === undefined
            ? null
            : {
                balancesMicros: accounts.reduce((sum, one) => sum + state.balanceOf(one).confirmedMicros, 0),
                mintedMicros: state.supplyMicros,
              },
        refusals: state.refusals
          .slice(0, MOST_REFUSALS)
          .map(({ author, seq, rule, sentence }) => ({ author, seq, rule, sentence })),
        refusalCount: state.refusals.length,
        forgers,
        waiting: [...waiting].map(([author, missing]) => ({ author, missingFrom: missing.author })),
        tookMs: clock.monotonicMs() - began,
      });
    }
  }

  return {
    summary,
    beginning,
    balance: () => (community.economy === undefined ? null : ledger.state.balanceOf(self)),
    receipts() {
      const { receiptsById, isDiscredited } = ledger.state;
      return [...receiptsById.values()]
        .map((fact) => (isDiscredited(fact) ? { ...fact, foundWrong: true } : fact))
        .sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1));
    },
    receipt: (id) => {
      const fact = ledger.state.receiptsById.get(id);
      return fact === undefined ? null : receiptDetail(fact, ledger.state.isDiscredited(fact));
    },
    lines,
    line,
    verifyLine: (id, onStep, onProgress) =>
      run((signal) => verifyLine(ledger, id, { verify, onStep, replay: () => replay(signal, onProgress) })),
    contestable,
    look: (id) => dispute(id, (desk, claim) => desk.look(id, claim)),
    challenge: (id) => dispute(id, (desk, claim) => desk.challenge(id, claim)),
    charge: (jobIds) => chargeOf(ledger.state, self, new Set(jobIds)),
    witnesses: () => (community.economy === undefined ? null : witnessNaming(ledger, links)),
    nameWitnesses: () => nameWitnesses(ledger, links),
    audit: (onProgress) => run((signal) => audit(signal, onProgress)),
  };
}
