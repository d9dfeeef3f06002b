import { equalBytes, hex, utf8 } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import type { NodeId } from '../base/ids';
import type { Failure } from '../base/result';
import type { Community } from '../identity/community';
import { availableMicros, emptyAccount, type Account } from './account';
import type { EntryRef } from './chain';
import { splitCharge } from './credits';
import type { EventOf } from './events';
import type {
  ChallengeState,
  ClosingState,
  GrantState,
  LedgerState,
  MintState,
  Refusal,
  ReservationState,
  Ruling,
  VerificationState,
} from './ledger-state';
import { addLeaf, EMPTY_FRONTIER, leafHash, rootOf, type Frontier } from './merkle';
import { notingMap, notingSet, type Noting, type NotingSet } from './noting';
import type { OfferTerms } from './offer-terms';
import type { Inside, OpenedEntry, OpenedSettlement } from './open-event';
import { createReceiptFacts, type ReceiptFact } from './receipt-facts';
import { CLAIM_RULES } from './rules/claim-rules';
import { CLOSING_RULES } from './rules/closing-rules';
import { CHALLENGE_RULES, panelFor, RULING_RULES, rulingOf, type ProposedSettlement } from './rules/dispute-rules';
import { LOOKING_RULES, type PaidLook } from './rules/looking-rules';
import { MINT_RULES } from './rules/mint-rules';
import { PROPOSAL_RULES, reservedWorkOf } from './rules/proposal-rules';
import { keepsAll } from './rules/rule';
import { GRANT_RULES, RESERVATION_RULES } from './rules/spending-rules';
import { witnessesFor, type NamedRoster, type WitnessSet } from './witnesses';

/**
 * What the logs of a community mean: a pure fold over their entries, in any order that gives each author's in sequence. An
 * event is judged once, by its causal past alone (its own chain, what it carries, and the entries that it refers to); what only a
 * view of everything can tell apart (two closings of one reservation, two mints for one contribution) is told apart by the
 * lowest content id. So the same entries give the same state, byte for byte, whatever arrived when, and nothing here knows the time.
 *
 * What changes an account (grants, claims, reservations, closings, mints) is judged by the own chain, by what the entry carries
 * and by rosters alone, never by what another member may take back by signing two histories. So money that was accepted once
 * stays accepted, and what a witness checked before it signed stays true.
 */
export interface LedgerFold {
  /**
   * The next entry of its author's log. `waiting`: it refers to an entry that was not seen yet; add it again when that one is
   * known. An event that breaks a rule is taken note of and changes nothing else.
   */
  add(entry: OpenedEntry): Added;
  /**
   * The author signed two entries for `seq`: its log from there on counts for nothing but what witnesses certified. False when
   * entries were added that this touches: then fold anew.
   */
  ban(author: NodeId, seq: number): boolean;
  /** Whether an entry that others may refer to was added, or never can be. */
  resolves(ref: EntryRef): boolean;
  /** How many entries of an author were added. */
  lengthOf(author: NodeId): number;
  /** Root of the Merkle tree over the ids of those (RFC 9162). */
  rootOf(author: NodeId): Uint8Array<ArrayBuffer>;
  readonly state: LedgerState;
  /** Plain data from which `createLedgerFold` goes on. */
  snapshot(): FoldSnapshot;
  /** The same of nothing but what is new since the last call, or since the snapshot that the fold was made from: for `joinSnapshots`. */
  takeChanges(): FoldSnapshot;
}

export type Added =
  | { readonly status: 'added'; readonly refused: Failure | null }
  | { readonly status: 'waiting'; readonly missing: EntryRef }
  | { readonly status: 'ignored' };

/** Everything about one author's chain that its next entry is held against. */
interface Chain {
  length: number;
  account: Account;
  readonly keys: NotingSet;
  /** Grants that it claimed, reservations whose end stands in it, contributions that it minted for. */
  readonly claimed: NotingSet;
  /** The latest roster that it drew witnesses from. */
  epoch: number;
  /** What it was paid for looking at and has no receipt for, by the content id of the closing. */
  readonly looks: Map<string, PaidLook>;
  /** The Merkle tree over its entries' ids. */
  tree: Frontier;
}

/** Where an entry stands that others may refer to. */
interface Place {
  readonly author: NodeId;
  readonly seq: number;
}

/** One of another version is not read: whoever kept it reads the logs again. */
export const SNAPSHOT_VERSION = 2;

export interface FoldSnapshot {
  readonly v: typeof SNAPSHOT_VERSION;
  readonly community: string;
  readonly chains: readonly (readonly [
    NodeId,
    number,
    Account,
    readonly string[],
    readonly string[],
    number,
    readonly Uint8Array[],
    readonly PaidLook[],
  ])[];
  readonly placed: readonly (readonly [string, NodeId, number])[];
  readonly banned: readonly (readonly [NodeId, number])[];
  readonly offers: readonly OfferTerms[];
  readonly rosters: readonly NamedRoster[];
  readonly grants: readonly GrantState[];
  readonly reservations: readonly ReservationState[];
  readonly proposals: readonly ProposedSettlement[];
  readonly closings: readonly ClosingState[];
  readonly mints: readonly MintState[];
  readonly challenges: readonly ChallengeState[];
  readonly rulings: readonly (readonly [string, Ruling])[];
  readonly verifications: readonly VerificationState[];
  readonly refusals: readonly Refusal[];
  readonly here: readonly NodeId[];
  readonly receipts: readonly ReceiptFact[];
  readonly maxLamport: number;
}

export function createLedgerFold(community: Community, from?: FoldSnapshot): LedgerFold {
  const policy = community.economy ?? null;
  const receipts = createReceiptFacts(from?.receipts);
  const chains = new Map<NodeId, Chain>();
  /** Authors of entries that were added since the last call of `takeChanges`. */
  const grown = new Set<NodeId>();
  /** Entries that others may refer to, once they were judged, by id. */
  const placed = notingMap<Place>();
  const bannedFrom = new Map<NodeId, number>(from?.banned);
  const offersById = notingMap<OfferTerms>();
  const rostersById = notingMap<NamedRoster>();
  const grantsById = notingMap<GrantState>();
  const reservationsById = notingMap<ReservationState>();
  /** What reservations that did not end yet hold, and what is proposed for them, by node. */
  const reservedMicros = new Map<NodeId, number>();
  const pendingMicros = new Map<NodeId, number>();
  const proposalsById = notingMap<ProposedSettlement>();
  const closingByReservation = notingMap<ClosingState>();
  const mintByKey = notingMap<MintState>();
  const challengesById = notingMap<ChallengeState>();
  const challengeByBond = new Map<string, string>();
  const challengesByReservation = new Map<string, string[]>();
  const rulings = notingMap<Ruling>();
  const ruledInTurn: string[] = [];
  const verifications = notingMap<VerificationState>();
  const confirmed = new Map<NodeId, number>();
  /** Grants and closings that somebody may claim, by node, and did not yet. */
  const claimable = new Map<NodeId, Set<string>>();
  const holders = new Set<NodeId>();
  const here = new Set<NodeId>(from?.here);
  const refusals: Refusal[] = [...(from?.refusals ?? [])];
  /** Of the refusals those that `takeChanges` gave already. */
  let refusalsTaken = refusals.length;
  let roster: LedgerState['roster'] = null;
  let supplyMicros = 0;
  let maxLamport = from?.maxLamport ?? 0;

  const limitOf = (author: NodeId): number => (author === community.founder ? (policy?.founderLimitMicros ?? 0) : 0);

  function chainOf(author: NodeId): Chain {
    const known = chains.get(author);
    if (known) return known;
    const fresh: Chain = {
      length: 0,
      account: emptyAccount(limitOf(author)),
      keys: notingSet(),
      claimed: notingSet(),
      epoch: -1,
      looks: new Map(),
      tree: EMPTY_FRONTIER,
    };
    chains.set(author, fresh);
    return fresh;
  }

  const change = (chain: Chain, by: Partial<Account>): void => {
    chain.account = { ...chain.account, ...by };
  };

  /** Once for each who may claim it; what it claimed already, perhaps before this was seen here, is not offered again. */
  function offerClaim(node: NodeId, id: string): void {
    holders.add(node);
    if (chains.get(node)?.claimed.has(id)) return;
    claimable.set(node, (claimable.get(node) ?? new Set()).add(id));
  }

  const isForged = (author: NodeId, seq: number): boolean => (bannedFrom.get(author) ?? Infinity) <= seq;
  const isVoid = ({ author, seq }: EntryRef): boolean => isForged(author, seq);
  /** An id alone would not do: a reference may lie about where its entry stands, and so be void here and good elsewhere. */
  function isPlaced({ id, author, seq }: EntryRef): boolean {
    const place = placed.get(id);
    return place !== undefined && place.author === author && place.seq === seq;
  }
  /** Whether the entry refers to `id`, and that one counts. It was judged before this one, or this one would wait. */
  const refersTo = ({ refs }: OpenedEntry, id: string): boolean => refs.some((ref) => ref.id === id && !isVoid(ref));

  const witnessesOf = (payer: NodeId, roster: string | null): WitnessSet =>
    policy === null
      ? { witnesses: [], quorum: 1 }
      : witnessesFor(payer, policy, roster === null ? null : (rostersById.get(roster) ?? null));

  // Spending ------------------------------------------------------------------------------------------------------------

  function granted(entry: OpenedEntry, event: EventOf<'credit.granted'>, chain: Chain): Failure | null {
    const kept = keepsAll(GRANT_RULES, { policy, from: entry.author, grant: event, account: chain.account });
    if (!kept.ok) return kept.error;
    change(chain, { carvedMicros: chain.account.carvedMicros + event.amountMicros });
    takeGrant({
      id: entry.id,
      from: entry.author,
      seq: entry.seq,
      to: event.to,
      amountMicros: event.amountMicros,
      at: entry.at,
    });
    return null;
  }

  function takeGrant(grant: GrantState): void {
    grantsById.set(grant.id, grant);
    offerClaim(grant.to, grant.id);
  }

  function claimed(entry: OpenedEntry, inside: Extract<Inside, { kind: 'grant' }>, chain: Chain): Failure | null {
    const { grant, heads } = inside;
    const kept = keepsAll(CLAIM_RULES, {
      policy,
      community: community.id,
      claimer: entry.author,
      grant,
      witnesses: witnessesOf(grant.author, null),
      heads,
      claimedBefore: chain.claimed.has(grant.id),
    });
    if (!kept.ok) return kept.error;
    noteClaim(entry.author, chain, grant.id);
    change(chain, { limitMicros: chain.account.limitMicros + grant.event.amountMicros });
    return null;
  }

  function noteClaim(author: NodeId, chain: Chain, id: string): void {
    chain.claimed.add(id);
    claimable.get(author)?.delete(id);
  }

  function reserved(entry: OpenedEntry, event: EventOf<'reservation.made'>, chain: Chain): Failure | null {
    const named = event.roster === null ? undefined : rostersById.get(event.roster);
    const epoch =
      event.roster === null ? -1 : named !== undefined && refersTo(entry, event.roster) ? named.roster.epoch : null;
    const kept = keepsAll(RESERVATION_RULES, {
      policy,
      payer: entry.author,
      at: entry.at,
      reservation: event,
      account: chain.account,
      keyUsed: chain.keys.has(event.idempotencyKey),
      rosterEpoch: epoch,
      epochBefore: chain.epoch,
    });
    if (!kept.ok) return kept.error;
    chain.keys.add(event.idempotencyKey);
    chain.epoch = epoch!;
    change(chain, { heldMicros: chain.account.heldMicros + event.amountMicros });
    takeReservation({ ...reservedWorkOf({ ...entry, event }), seq: entry.seq, roster: event.roster, proposal: null });
    return null;
  }

  function takeReservation(reservation: ReservationState): void {
    reservationsById.set(reservation.id, reservation);
    if (isOpen(reservation.id)) addTo(reservedMicros, reservation.payer, reservation.amountMicros);
  }

  /** A closing may have come before its reservation, in another log. */
  const isOpen = (reservation: string): boolean => !closingByReservation.has(reservation);

  // Settling ------------------------------------------------------------------------------------------------------------

  function proposed(
    entry: OpenedEntry,
    event: EventOf<'settlement.proposed'>,
    settlement: OpenedSettlement,
  ): Failure | null {
    if (!refersTo(entry, event.reservation)) return broken('reference_missing');
    const reservation = reservationsById.get(event.reservation) ?? null;
    const kept = keepsAll(PROPOSAL_RULES, { ...settlement, community: community.id, policy, reservation });
    if (!kept.ok) return kept.error;
    if (entry.author !== reservation!.payee) return broken('not_the_payee');
    if (reservation!.proposal !== null) return broken('proposed_twice');
    takeProposal({
      id: entry.id,
      settlement: settlement.id,
      reservation: event.reservation,
      chargeMicros: settlement.receipt.chargeMicros,
      windowSeconds: settlement.receipt.challenge.windowSeconds,
      commitmentId: settlement.commitmentId,
      validators: settlement.verdicts.map(({ verdict }) => verdict.validator).sort(),
    });
    return null;
  }

  function takeProposal(proposal: ProposedSettlement): void {
    proposalsById.set(proposal.id, proposal);
    reservationsById.set(proposal.reservation, {
      ...reservationsById.get(proposal.reservation)!,
      proposal: proposal.id,
    });
    if (isOpen(proposal.reservation)) countPending(proposal, 1);
  }

  function countPending({ reservation, chargeMicros, validators }: ProposedSettlement, sign: 1 | -1): void {
    const { executorMicros, validatorMicros } = splitCharge(policy!, chargeMicros, validators.length);
    addTo(pendingMicros, reservationsById.get(reservation)!.payee, sign * executorMicros);
    for (const validator of validators) addTo(pendingMicros, validator, sign * validatorMicros);
  }

  function closed(
    entry: OpenedEntry,
    event: EventOf<'settlement.closed'>,
    inside: Extract<Inside, { kind: 'closing' }>,
    chain: Chain,
  ): Failure | null {
    const { reservation: carried } = inside;
    // Who may sign for it must be known; all else it carries, so that it means the same in every log, whatever its payer signed.
    if (carried.event.roster !== null && !refersTo(entry, carried.event.roster)) return broken('reference_missing');
    const kept = keepsAll(CLOSING_RULES, {
      community: community.id,
      policy,
      closing: event,
      entry: carried,
      reservation: reservedWorkOf(carried),
      witnesses: witnessesOf(carried.author, carried.event.roster),
      heads: inside.heads,
      settlement: inside.settlement,
      proposed: inside.proposed,
      closed: inside.closed,
      reasons: inside.reasons,
      offer: inside.offer,
    });
    if (!kept.ok) return kept.error;
    const closing: ClosingState = {
      id: inside.id,
      reservation: carried.id,
      payer: carried.author,
      payee: carried.event.payee,
      jobId: carried.event.jobId,
      purpose: carried.event.purpose,
      outcome: event.outcome,
      chargeMicros: event.chargeMicros,
      reservedMicros: carried.event.amountMicros,
      credits: creditsOf(event, inside),
      at: Math.max(...inside.closed.map(({ statement }) => statement.at)),
      carrier: { author: entry.author, seq: entry.seq },
    };
    const written = writeIntoOwn(entry.author, closing, chain);
    if (written !== null) return written;
    noteLook(entry.author, closing, inside, chain);
    const counted = closingByReservation.get(carried.id);
    if (counted === undefined) takeClosing(closing);
    else if (closing.id < counted.id) {
      book(counted, -1);
      takeClosing(closing);
    } else if (closing.id === counted.id && isBefore(closing.carrier, counted.carrier)) {
      closingByReservation.set(carried.id, closing);
    }
    return null;
  }

  /** What the closing does to the account of the log in which it stands: once, and nothing where the author has no part in it. */
  function writeIntoOwn(author: NodeId, closing: ClosingState, chain: Chain): Failure | null {
    const credit = closing.credits.find(({ node }) => node === author);
    if (author !== closing.payer && credit === undefined) return null;
    if (chain.claimed.has(closing.reservation)) return broken('closed_twice');
    noteClaim(author, chain, closing.reservation);
    const { earnedMicros, heldMicros, spentMicros } = chain.account;
    if (author === closing.payer) {
      // What this very log never set aside is not freed.
      const held = reservationsById.get(closing.reservation)?.payer === author ? closing.reservedMicros : 0;
      change(chain, { heldMicros: heldMicros - held, spentMicros: spentMicros + closing.chargeMicros });
    } else change(chain, { earnedMicros: earnedMicros + credit!.micros });
    return null;
  }

  /** The author was paid for a verdict: what a receipt for it must say. */
  function noteLook(
    author: NodeId,
    { id, reservation, jobId, payer, payee, credits }: ClosingState,
    { settlement, reasons }: Extract<Inside, { kind: 'closing' }>,
    chain: Chain,
  ): void {
    const paid = credits.find(({ node }) => node === author);
    const own = (settlement?.verdicts ?? reasons).find(({ verdict }) => verdict.validator === author);
    if (paid === undefined || own === undefined || author === payer || author === payee) return;
    chain.looks.set(id, {
      reservation,
      settlement: id,
      jobId,
      executor: payee,
      payer,
      verdict: own.id,
      check: own.verdict.check,
      paidMicros: paid.micros,
    });
  }

  function looked(
    entry: OpenedEntry,
    { id, receipt }: Extract<Inside, { kind: 'verification' }>,
    chain: Chain,
  ): Failure | null {
    const look = chain.looks.get(receipt.settlement) ?? null;
    const kept = keepsAll(LOOKING_RULES, { policy, community: community.id, author: entry.author, receipt, look });
    if (!kept.ok) return kept.error;
    chain.looks.delete(receipt.settlement);
    takeVerification({ id, reservation: look!.reservation, validator: entry.author, seq: entry.seq });
    return null;
  }

  function takeVerification(verification: VerificationState): void {
    verifications.set(verificationKey(verification), verification);
  }

  function takeClosing(closing: ClosingState): void {
    const { reservation: id, payer, credits } = closing;
    const reservation = reservationsById.get(id);
    if (reservation !== undefined && isOpen(id)) {
      addTo(reservedMicros, payer, -reservation.amountMicros);
      if (reservation.proposal !== null) countPending(proposalsById.get(reservation.proposal)!, -1);
    }
    closingByReservation.set(id, closing);
    offerClaim(payer, id);
    for (const { node } of credits) offerClaim(node, id);
    book(closing, 1);
  }

  function book({ payer, chargeMicros, credits }: ClosingState, sign: 1 | -1): void {
    addTo(confirmed, payer, -sign * chargeMicros);
    for (const { node, micros } of credits) addTo(confirmed, node, sign * micros);
  }

  function creditsOf(
    event: EventOf<'settlement.closed'>,
    { reservation, settlement, reasons }: Extract<Inside, { kind: 'closing' }>,
  ): ClosingState['credits'] {
    const { chargeMicros, outcome } = event;
    const payee = reservation.event.payee;
    const parts = (): { node: NodeId; micros: number }[] => {
      if (outcome === 'void') {
        return reasons.map(({ verdict }) => ({ node: verdict.validator, micros: chargeMicros / reasons.length }));
      }
      if (settlement === null) return [{ node: payee, micros: chargeMicros }];
      const validators = settlement.verdicts.map(({ verdict }) => verdict.validator);
      const { executorMicros, validatorMicros } = splitCharge(policy!, chargeMicros, validators.length);
      return [
        { node: payee, micros: executorMicros },
        ...validators.map((node) => ({ node, micros: validatorMicros })),
      ];
    };
    if (chargeMicros === 0) return [];
    return parts()
      .filter(({ micros }) => micros > 0)
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  // Disputes ------------------------------------------------------------------------------------------------------------

  function challenged(
    entry: OpenedEntry,
    event: EventOf<'challenge.raised'>,
    inside: Extract<Inside, { kind: 'verdicts' }>,
    chain: Chain,
  ): Failure | null {
    if (!refersTo(entry, event.proposal) || !refersTo(entry, event.bond)) return broken('reference_missing');
    const proposal = proposalsById.get(event.proposal) ?? null;
    const work = (proposal && reservationsById.get(proposal.reservation)) ?? null;
    const kept = keepsAll(CHALLENGE_RULES, {
      challenger: entry.author,
      proposal,
      work,
      verdict: inside.verdicts[0]!,
      bond: reservationsById.get(event.bond) ?? null,
      // Only its payer can put a bond up, so both stand in this very log.
      bondUsed: challengeByBond.has(event.bond) || chain.claimed.has(event.bond),
      before: challengesOf(proposal?.reservation).some(
        (one) => one.proposal === event.proposal && one.challenger === entry.author,
      ),
    });
    if (!kept.ok) return kept.error;
    takeChallenge({
      id: entry.id,
      proposal: event.proposal,
      challenger: entry.author,
      bond: event.bond,
    });
    return null;
  }

  function takeChallenge(challenge: ChallengeState): void {
    challengesById.set(challenge.id, challenge);
    challengeByBond.set(challenge.bond, challenge.id);
    const { reservation } = proposalsById.get(challenge.proposal)!;
    const raised = challengesByReservation.get(reservation);
    if (raised === undefined) challengesByReservation.set(reservation, [challenge.id]);
    else raised.push(challenge.id);
  }

  const challengesOf = (reservation: string | undefined): readonly ChallengeState[] =>
    (challengesByReservation.get(reservation ?? '') ?? []).map((id) => challengesById.get(id)!);

  function ruled(
    entry: OpenedEntry,
    event: EventOf<'dispute.ruled'>,
    inside: Extract<Inside, { kind: 'verdicts' }>,
  ): Failure | null {
    if (!refersTo(entry, event.challenge)) return broken('reference_missing');
    const challenge = challengesById.get(event.challenge);
    const proposal = challenge && proposalsById.get(challenge.proposal);
    const panel = challenge ? panelOf(challenge.proposal, challenge.challenger) : [];
    const kept = keepsAll(RULING_RULES, {
      challenge: challenge && proposal ? { id: event.challenge, commitmentId: proposal.commitmentId } : null,
      panel,
      verdicts: inside.verdicts,
    });
    if (!kept.ok) return kept.error;
    takeRuling(event.challenge, rulingOf(panel, inside.verdicts)!);
    return null;
  }

  /** A panel that said both found a fault: that counts. */
  function takeRuling(challenge: string, ruling: Ruling): void {
    const before = rulings.get(challenge);
    if (before === 'upheld' || before === ruling) return;
    rulings.set(challenge, ruling);
    ruledInTurn.push(challenge);
    if (ruling !== 'upheld') return;
    const { reservation } = proposalsById.get(challengesById.get(challenge)!.proposal)!;
    const { payer, payee, jobId } = reservationsById.get(reservation)!;
    receipts.discredit({ requester: payer, executor: payee, jobId });
  }

  function panelOf(proposalId: string, challenger: NodeId): readonly NodeId[] {
    const proposal = proposalsById.get(proposalId);
    if (proposal === undefined) return [];
    const { payer, payee, roster: named } = reservationsById.get(proposal.reservation)!;
    const { settlement, validators } = proposal;
    const roster = named === null ? null : (rostersById.get(named)?.roster ?? null);
    return panelFor({ settlement, challenger }, policy!, roster, new Set([payer, payee, challenger, ...validators]));
  }

  // Minting -------------------------------------------------------------------------------------------------------------

  function minted(
    entry: OpenedEntry,
    event: EventOf<'credit.minted'>,
    inside: Extract<Inside, { kind: 'mint' }>,
    chain: Chain,
  ): Failure | null {
    const { contribution, approvals } = inside;
    const kept = keepsAll(MINT_RULES, {
      community: community.id,
      policy,
      mint: event,
      contribution,
      approvals,
      author: entry.author,
      before: chain.claimed.has(contribution.mintKey),
    });
    if (!kept.ok) return kept.error;
    noteClaim(entry.author, chain, contribution.mintKey);
    change(chain, { earnedMicros: chain.account.earnedMicros + event.amountMicros });
    const mint: MintState = {
      id: entry.id,
      key: contribution.mintKey,
      to: event.to,
      amountMicros: event.amountMicros,
      at: entry.at,
      carrier: { author: entry.author, seq: entry.seq },
    };
    const counted = mintByKey.get(mint.key);
    if (counted !== undefined && counted.id < mint.id) return null;
    if (counted !== undefined) issue(counted, -1);
    takeMint(mint);
    return null;
  }

  function takeMint(mint: MintState): void {
    mintByKey.set(mint.key, mint);
    issue(mint, 1);
  }

  function issue({ to, amountMicros }: MintState, sign: 1 | -1): void {
    addTo(confirmed, to, sign * amountMicros);
    supplyMicros += sign * amountMicros;
  }

  // ---------------------------------------------------------------------------------------------------------------------

  function named(entry: OpenedEntry, event: EventOf<'witnesses.named'>): Failure | null {
    if (entry.author !== community.founder) return broken('not_the_founder');
    const { id, author, seq, at } = entry;
    takeRoster({ id, author, seq, at, roster: event.roster });
    return null;
  }

  function takeRoster(one: NamedRoster): void {
    rostersById.set(one.id, one);
    const [epoch, latest] = [one.roster.epoch, roster?.roster.epoch ?? -1];
    if (roster === null || epoch > latest || (epoch === latest && one.id < roster.id)) roster = one;
  }

  /** Null where nothing is wrong. */
  function judge(entry: OpenedEntry, chain: Chain): Failure | null {
    const { event, inside } = entry;
    switch (event.kind) {
      case 'receipt.recorded': {
        if (inside.kind !== 'receipt') return null;
        const signers = inside.signed.signatures.map(({ keyId }) => keyId);
        receipts.add(inside.id, inside.receipt, signers, { author: entry.author, seq: entry.seq });
        return null;
      }
      case 'community.joined':
        if (event.community === community.id) here.add(entry.author);
        return null;
      case 'community.left':
        if (event.community === community.id) here.delete(entry.author);
        return null;
      case 'offer.published':
        if (inside.kind !== 'offer') return null;
        if (inside.terms.node !== entry.author) return broken('foreign_offer');
        offersById.set(inside.terms.id, inside.terms);
        return null;
      case 'witnesses.named':
        return named(entry, event);
      case 'credit.granted':
        return granted(entry, event, chain);
      case 'credit.claimed':
        return inside.kind === 'grant' ? claimed(entry, inside, chain) : null;
      case 'reservation.made':
        return reserved(entry, event, chain);
      case 'settlement.proposed':
        return inside.kind === 'proposal' ? proposed(entry, event, inside.settlement) : null;
      case 'settlement.closed':
        return inside.kind === 'closing' ? closed(entry, event, inside, chain) : null;
      case 'challenge.raised':
        return inside.kind === 'verdicts' ? challenged(entry, event, inside, chain) : null;
      case 'dispute.ruled':
        return inside.kind === 'verdicts' ? ruled(entry, event, inside) : null;
      case 'credit.minted':
        return inside.kind === 'mint' ? minted(entry, event, inside, chain) : null;
      case 'verification.receipted':
        return inside.kind === 'verification' ? looked(entry, inside, chain) : null;
      case 'log.checkpointed':
        return event.length === chain.tree.length && equalBytes(event.root, rootOf(chain.tree))
          ? null
          : broken('wrong_root');
      case 'contribution.receipted':
        return inside.kind === 'contribution' ? inside.contribution.fault : null;
      default:
        return null;
    }
  }

  /** The state as plain data in one order, or what `of` picks of it. */
  function snapshotOf(of: typeof everything): FoldSnapshot {
    return {
      v: SNAPSHOT_VERSION,
      community: community.id,
      chains: sortedBy(
        [...chains].filter(([author, { length }]) => length > 0 && (of === everything || grown.has(author))),
        ([author]) => author,
      ).map(([author, chain]) => [
        author,
        chain.length,
        chain.account,
        of(chain.keys).sort(),
        of(chain.claimed).sort(),
        chain.epoch,
        chain.tree.roots,
        sortedBy([...chain.looks.values()], ({ settlement }) => settlement),
      ]),
      placed: sortedBy(of(placed), ([id]) => id).map(([id, { author, seq }]) => [id, author, seq]),
      banned: sortedBy([...bannedFrom], ([author]) => author),
      offers: sortedBy(valuesOf(of(offersById)), ({ id }) => id),
      rosters: sortedBy(valuesOf(of(rostersById)), ({ id }) => id),
      grants: sortedBy(valuesOf(of(grantsById)), ({ id }) => id),
      reservations: sortedBy(valuesOf(of(reservationsById)), ({ id }) => id),
      proposals: sortedBy(valuesOf(of(proposalsById)), ({ id }) => id),
      closings: sortedBy(valuesOf(of(closingByReservation)), ({ reservation }) => reservation),
      mints: sortedBy(valuesOf(of(mintByKey)), ({ key }) => key),
      challenges: sortedBy(valuesOf(of(challengesById)), ({ id }) => id),
      rulings: sortedBy(of(rulings), ([challenge]) => challenge),
      verifications: sortedBy(valuesOf(of(verifications)), verificationKey),
      refusals: sortedBy(of === everything ? refusals : refusals.slice(refusalsTaken), ({ entry }) => entry),
      here: [...here].sort(),
      receipts: sortedBy(valuesOf(of(receipts.noting)), ({ id }) => id),
      maxLamport,
    };
  }

  const snapshot = (): FoldSnapshot => snapshotOf(everything);

  function takeChanges(): FoldSnapshot {
    const changes = snapshotOf(whatIsNoted);
    grown.clear();
    refusalsTaken = refusals.length;
    return changes;
  }

  function restore(kept: FoldSnapshot): void {
    for (const [author, length, account, keys, claims, epoch, roots, paid] of kept.chains) {
      const tree = { length, roots: roots.map((root) => Uint8Array.from(root)) };
      const looks = new Map(paid.map((look) => [look.settlement, look]));
      chains.set(author, { length, account, keys: notingSet(keys), claimed: notingSet(claims), epoch, looks, tree });
    }
    for (const [id, author, seq] of kept.placed) placed.set(id, { author, seq });
    for (const offer of kept.offers) offersById.set(offer.id, offer);
    for (const one of kept.rosters) takeRoster(one);
    for (const grant of kept.grants) takeGrant(grant);
    for (const reservation of kept.reservations) takeReservation(reservation);
    for (const proposal of kept.proposals) takeProposal(proposal);
    for (const closing of kept.closings) takeClosing(closing);
    for (const mint of kept.mints) takeMint(mint);
    for (const challenge of kept.challenges) takeChallenge(challenge);
    for (const [challenge, ruling] of kept.rulings) takeRuling(challenge, ruling);
    for (const verification of kept.verifications) takeVerification(verification);
  }
  if (from) {
    restore(from);
    // What was put in until here is nothing new.
    for (const one of [offersById, rostersById, grantsById, reservationsById, proposalsById]) one.takeNoted();
    for (const one of [placed, closingByReservation, mintByKey, challengesById, rulings, verifications])
      one.takeNoted();
    receipts.noting.takeNoted();
  }

  const accountOf = (node: NodeId): Account => chains.get(node)?.account ?? emptyAccount(limitOf(node));

  const state: LedgerState = {
    receiptsById: receipts.receiptsById,
    creditedByWork: receipts.creditedByWork,
    unitsByNode: receipts.unitsByNode,
    workByNode: receipts.workByNode,
    isDiscredited: receipts.isDiscredited,
    reservationsById,
    closingByReservation,
    grantsById,
    mintByKey,
    proposalsById,
    offersById,
    challengesById,
    challengeByBond,
    challengesOf,
    panelOf,
    rulings,
    ruledInTurn,
    verifications,
    verificationOf: (reservation, validator) => verifications.get(verificationKey({ reservation, validator })) ?? null,
    unreceiptedLooksOf: (node) =>
      sortedBy([...(chains.get(node)?.looks.values() ?? [])], ({ settlement }) => settlement),
    refusals,
    bannedFrom,
    get supplyMicros() {
      return supplyMicros;
    },
    get roster() {
      return roster;
    },
    rostersById,
    get maxLamport() {
      return maxLamport;
    },
    isHere: (node) => here.has(node),
    accountOf,
    balanceOf(node) {
      const account = accountOf(node);
      const banned = bannedFrom.has(node);
      return {
        confirmedMicros: confirmed.get(node) ?? 0,
        pendingMicros: pendingMicros.get(node) ?? 0,
        reservedMicros: reservedMicros.get(node) ?? 0,
        limitMicros: banned ? 0 : account.limitMicros - account.carvedMicros,
        availableMicros: banned ? 0 : availableMicros(account),
      };
    },
    get accountHolders() {
      return [...new Set([...confirmed.keys(), ...holders, ...chains.keys()])].sort();
    },
    unclaimedBy(node) {
      const left = [...(claimable.get(node) ?? [])].sort();
      // Of two closings the one that counts now may credit others than the first one did.
      const gains = ({ payer, credits }: ClosingState): boolean =>
        payer === node || credits.some((credit) => credit.node === node);
      return {
        grants: left.filter((id) => grantsById.has(id)),
        reservations: left.filter((id) => {
          const closing = closingByReservation.get(id);
          return closing !== undefined && gains(closing);
        }),
      };
    },
    digest: () => hex(sha256(encodeCanonical(snapshot()))),
  };

  return {
    state,
    snapshot,
    takeChanges,
    resolves: (ref) => isVoid(ref) || isPlaced(ref),
    lengthOf: (author) => chains.get(author)?.length ?? 0,
    rootOf: (author) => rootOf(chains.get(author)?.tree ?? EMPTY_FRONTIER),
    ban(author, seq) {
      const before = bannedFrom.get(author);
      if (before !== undefined && before <= seq) return true;
      // What waits for entries that now never come is freed by asking again; what was judged by them must be judged anew.
      const untouched = (chains.get(author)?.length ?? 0) <= seq;
      bannedFrom.set(author, seq);
      return untouched;
    },
    add(entry) {
      if (isForged(entry.author, entry.seq) || entry.community !== community.id) return { status: 'ignored' };
      const chain = chainOf(entry.author);
      if (entry.seq !== chain.length) return { status: 'ignored' };
      const missing = entry.refs.find((ref) => !isVoid(ref) && !isPlaced(ref));
      if (missing !== undefined) return { status: 'waiting', missing };
      maxLamport = Math.max(maxLamport, entry.lamport);
      const refused = judge(entry, chain);
      chain.length += 1;
      grown.add(entry.author);
      chain.tree = addLeaf(chain.tree, leafHash(utf8(entry.id)));
      if (refused !== null) {
        const { id, author, seq } = entry;
        refusals.push({ entry: id, author, seq, rule: refused.code, sentence: refused.message });
      }
      if (TRACKED.has(entry.event.kind)) placed.set(entry.id, { author: entry.author, seq: entry.seq });
      return { status: 'added', refused };
    },
  };
}

/** Kinds of entries that others may refer to. */
const TRACKED: ReadonlySet<string> = new Set([
  'witnesses.named',
  'credit.granted',
  'reservation.made',
  'settlement.proposed',
  'challenge.raised',
  'dispute.ruled',
]);

const isBefore = (a: { author: NodeId; seq: number }, b: { author: NodeId; seq: number }): boolean =>
  a.author < b.author || (a.author === b.author && a.seq < b.seq);

/** Sums by node; whoever comes to nothing is not kept. */
function addTo(sums: Map<NodeId, number>, node: NodeId, micros: number): void {
  const sum = (sums.get(node) ?? 0) + micros;
  if (sum === 0) sums.delete(node);
  else sums.set(node, sum);
}

/** A validator is paid once from a reservation, so it has one receipt for that. */
export const verificationKey = ({ reservation, validator }: Pick<VerificationState, 'reservation' | 'validator'>) =>
  `${reservation}/${validator}`;

const everything = <Item>(kept: Noting<Item>): Item[] => [...kept];
const whatIsNoted = <Item>(kept: Noting<Item>): Item[] => kept.takeNoted();
const valuesOf = <Value>(pairs: readonly (readonly [string, Value])[]): Value[] => pairs.map(([, value]) => value);

function sortedBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...items].sort((x, y) => (keyOf(x) < keyOf(y) ? -1 : 1));
}

/** Rules that need nothing but the fold itself; the others stand in `rules/`. */
export const FOLD_RULES = {
  wrong_root: 'A node signed another root of its log than its entries have.',
  reference_missing: 'An event does not refer to an entry that it is about.',
  foreign_offer: 'A node published an advertisement of another node.',
  not_the_founder: 'Only the founder of a community names its witnesses.',
  not_the_payee: 'A node asks to be paid from credit that was reserved for another.',
  proposed_twice: 'A node asks to be paid from one reservation by two settlements.',
  closed_twice: 'A node counts the end of one reservation twice.',
} as const;

const broken = (code: keyof typeof FOLD_RULES): Failure => ({ code, message: FOLD_RULES[code] });
