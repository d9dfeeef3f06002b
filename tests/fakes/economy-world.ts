import { concat, equalBytes, hex, utf8 } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import type { Signer, Verify } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createManifest, openManifest, type Community } from '#core/identity/community';
import { MICROS_PER_CREDIT, type EconomyPolicy } from '#core/identity/economy-policy';
import { EMPTY_HEAD, signEntry, type ChainHead, type EntryRef } from '#core/ledger/chain';
import type { OpenedContribution } from '#core/ledger/contribution-terms';
import { splitCharge, windowSecondsFor } from '#core/ledger/credits';
import { settlementIdOf, type EventOf, type LedgerEvent, type Settlement } from '#core/ledger/events';
import type { MintApproval } from '#core/ledger/mint-approval';
import type { OfferTerms } from '#core/ledger/offer-terms';
import { openInside, type Inside, type OpenedEntry, type OpenedSettlement } from '#core/ledger/open-event';
import { basisOf } from '#core/ledger/rules/closing-rules';
import { bondFor, panelFor } from '#core/ledger/rules/dispute-rules';
import { chargeFor } from '#core/ledger/rules/proposal-rules';
import type { Commitment, VerdictStatement } from '#core/ledger/statements';
import {
  witnessesFor,
  type HeadWitness,
  type Outcome,
  type OutcomeWitness,
  type Witnessed,
  type WitnessRoster,
  type WitnessSet,
} from '#core/ledger/witnesses';
import {
  CHALLENGE_METHODS,
  REQUIRED_RECEIPTS,
  type InferenceWorkReceipt,
  type VerificationReceipt,
} from '#core/ledger/work-receipts';
import { sign, type Signed, type SignedBody } from '#core/wire/signed';
import { signerNamed, testVerify } from './test-community';
import { offerBy } from './test-offers';

/** A signer and its `verify` that cost a hash: for worlds of thousands of events, where signatures are not what is tested. */
function fastSignature(nodeId: NodeId, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = sha256(concat(utf8(nodeId), bytes));
  return concat(half, sha256(half));
}

export const fastSignerNamed = (name: string): Signer => {
  const nodeId = hex(sha256(utf8(`fast/${name}`)));
  return { nodeId, sign: async (bytes) => fastSignature(nodeId, bytes) };
};

export const fastVerify: Verify = async (nodeId, bytes, signature) =>
  equalBytes(signature, fastSignature(nodeId, bytes));

/** One node and its log, or one of two histories of it. */
export interface Member {
  readonly name: string;
  readonly nodeId: NodeId;
  readonly signer: Signer;
  head: ChainHead;
  readonly entries: AnyWritten[];
}

/** An entry as the fold takes it, and as it is stored and sent. */
export interface AnyWritten {
  readonly entry: OpenedEntry;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Written<Kind extends LedgerEvent['kind']> extends AnyWritten {
  readonly entry: OpenedEntry & { readonly event: EventOf<Kind> };
}

/** A signed statement and what it says. */
export interface Said<Body> {
  readonly signed: Signed;
  readonly id: string;
  readonly by: NodeId;
  readonly body: Body;
}

/** A settlement as it travels and as the rules see it. */
export interface Proposed {
  readonly settlement: Settlement;
  readonly opened: OpenedSettlement;
}

/** An event with what stands inside it: the same in every log that it is written into. */
export interface Prepared<Kind extends LedgerEvent['kind']> {
  readonly event: EventOf<Kind>;
  readonly inside: Inside;
  readonly refs: readonly EntryRef[];
}

export type Reservation = Written<'reservation.made'>;

export interface WorldOptions {
  readonly policy?: Partial<Omit<EconomyPolicy, 'witnesses' | 'curators'>>;
  /** Names. */
  readonly founder?: string;
  readonly witnesses?: readonly string[];
  readonly curators?: readonly string[];
  /** Ed25519 instead of hashes. */
  readonly realSignatures?: boolean;
  /** Keys of the caller's own instead of either. */
  readonly keys?: { readonly signerNamed: (name: string) => Signer; readonly verify: Verify };
  readonly communityName?: string;
}

export interface ReserveOptions {
  readonly amountMicros?: number;
  readonly offer?: Said<OfferTerms> | null;
  readonly jobId?: string;
  readonly idempotencyKey?: string;
  readonly purpose?: 'work' | 'bond';
  readonly forMs?: number;
  readonly roster?: Written<'witnesses.named'> | null;
}

/** What of a settlement is other than honest work would have it. */
export interface SettlementChange {
  readonly tokens?: number;
  readonly verifiers?: readonly Member[];
  readonly verdict?: VerdictStatement['verdict'];
  readonly offer?: Said<OfferTerms>;
  readonly commitment?: Partial<Commitment>;
  readonly receipt?: (honest: InferenceWorkReceipt) => InferenceWorkReceipt;
  readonly verdicts?: (honest: VerdictStatement, at: number) => VerdictStatement;
}

export interface CloseOptions {
  readonly outcome: Outcome;
  readonly work?: Proposed | null;
  readonly chargeMicros?: number;
  readonly reasons?: readonly Said<VerdictStatement>[];
  readonly offer?: Said<OfferTerms> | null;
  readonly heads?: readonly Said<HeadWitness>[];
  readonly proposed?: readonly Said<OutcomeWitness>[];
  readonly closed?: readonly Said<OutcomeWitness>[];
}

export const credits = (count: number): number => Math.round(count * MICROS_PER_CREDIT);

const WINDOWS = [
  { upToMicros: credits(1), seconds: 600 },
  { upToMicros: credits(10), seconds: 3_600 },
  { upToMicros: credits(1_000_000), seconds: 86_400 },
];

const SANDBOX = 'web-worker';
const TASK = 'llm.chat@1';
const digest = (text: string): Uint8Array<ArrayBuffer> => sha256(utf8(text));

export type EconomyWorld = Awaited<ReturnType<typeof createEconomyWorld>>;

/**
 * Nodes of one community and everything that they can write or sign: logs, offers, grants, reservations, work, settlements,
 * witnesses' statements, disputes, mints, rosters, and second histories. It builds what it is told, true or not; the honest way is the
 * default. Time is `nowMs`, which the caller moves.
 */
export async function createEconomyWorld(options: WorldOptions = {}) {
  const signerOf = options.keys?.signerNamed ?? (options.realSignatures === true ? signerNamed : fastSignerNamed);
  const verify: Verify = options.keys?.verify ?? (options.realSignatures === true ? testVerify : fastVerify);
  const membersByName = new Map<string, Member>();
  const membersById = new Map<NodeId, Member>();
  let serial = 0;

  function member(name: string): Member {
    const known = membersByName.get(name);
    if (known !== undefined) return known;
    const signer = signerOf(name);
    const fresh: Member = { name, nodeId: signer.nodeId, signer, head: EMPTY_HEAD, entries: [] };
    membersByName.set(name, fresh);
    membersById.set(fresh.nodeId, fresh);
    return fresh;
  }
  const idsOf = (names: readonly string[]): NodeId[] => names.map((name) => member(name).nodeId);

  const founder = member(options.founder ?? 'founder');
  const policy: EconomyPolicy = {
    currency: 'AEM_CREDIT',
    founderLimitMicros: credits(1_000),
    newcomerLimitMicros: credits(5),
    validatorShareMilli: 200,
    provisionalCapMicros: credits(0.1),
    freeSharePercent: 20,
    windows: WINDOWS,
    mint: true,
    ...options.policy,
    witnesses: idsOf(options.witnesses ?? ['w0', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6']),
    curators: idsOf(options.curators ?? ['c0', 'c1', 'c2']),
  };
  const manifest = await createManifest(founder.signer, {
    name: options.communityName ?? 'World',
    open: true,
    createdAt: 1_000,
    economy: policy,
  });
  const community: Community = unwrap(await openManifest(manifest, verify));

  const world = {
    community,
    manifest,
    policy,
    founder,
    verify,
    member,
    nowMs: 1_800_000_000_000,
    get members(): readonly Member[] {
      return [...membersByName.values()];
    },
    byId: (nodeId: NodeId): Member => membersById.get(nodeId)!,
    next: (word: string): string => `${word}-${serial++}`,
    write,
    refTo,
    twinOf,
    say,
    offer,
    grant,
    claim,
    reserve,
    heads,
    witnessesOf,
    work,
    propose,
    outcomes,
    close,
    receiptForLooking,
    verdict,
    bond,
    challenge,
    panelOf,
    rule,
    mint,
    nameWitnesses,
  };
  const setOf = (said: readonly Said<unknown>[]): Signed[] => said.map(({ signed }) => signed);
  const witnessed = <Body>(said: readonly Said<Body>[]): Witnessed<Body>[] =>
    said.map(({ by, body }) => ({ witness: by, statement: body }));

  async function say<Body extends SignedBody>(by: Member, body: Body): Promise<Said<Body>> {
    const signed = await sign(by.signer, body);
    return { signed, id: cidOf(signed.payload), by: by.nodeId, body };
  }

  /** The next entry of a log. What stands inside is opened through the gate where it is not given. */
  async function write<Event extends LedgerEvent>(
    author: Member,
    event: Event,
    refs: readonly EntryRef[] = [],
    inside?: Inside,
  ): Promise<Written<Event['kind']>> {
    const opened = inside ?? unwrap(await openInside(event, verify));
    const draft = { community: community.id, event: event as LedgerEvent, at: world.nowMs, refs };
    const { entry, bytes, head } = await signEntry(author.signer, author.head, draft);
    author.head = head;
    const written = { entry: { ...entry, inside: opened }, bytes } as unknown as Written<Event['kind']>;
    author.entries.push(written);
    return written;
  }

  function refTo({ entry: { author, seq, id } }: AnyWritten): EntryRef {
    return { author, seq, id };
  }

  /** Another history of the same node, which parts from the first one after `length` entries. */
  function twinOf(original: Member, length: number): Member {
    const entries = original.entries.slice(0, length);
    const last = entries.at(-1)?.entry;
    const head = last === undefined ? EMPTY_HEAD : { id: last.id, length, lamport: last.lamport };
    return { name: original.name, nodeId: original.nodeId, signer: original.signer, head, entries };
  }

  // Before any work -----------------------------------------------------------------------------------------------------

  async function offer(host: Member, terms: Partial<OfferTerms> = {}): Promise<Said<OfferTerms>> {
    const { signed, terms: body } = await offerBy(
      host.signer,
      {
        modelHash: hex(sha256(utf8('the model of this world'))),
        rateMicros: 1_000,
        minimumMicros: 10_000,
        taskClasses: [TASK],
        sandboxProfile: SANDBOX,
        expiresAt: world.nowMs + 60 * 60_000,
        ...terms,
      },
      verify,
    );
    return { signed, id: body.id, by: host.nodeId, body };
  }

  function grant(from: Member, to: Member, amountMicros: number): Promise<Written<'credit.granted'>> {
    return write(from, { kind: 'credit.granted', to: to.nodeId, amountMicros, invite: null });
  }

  function witnessesOf(author: NodeId, roster: Written<'witnesses.named'> | null = null): WitnessSet {
    return witnessesFor(
      author,
      policy,
      roster === null ? null : { id: roster.entry.id, roster: roster.entry.event.roster },
    );
  }

  /** Statements of the witnesses that the entry draws, all of them unless told. */
  async function heads(
    { entry }: AnyWritten,
    { by, at = world.nowMs }: { readonly by?: readonly Member[]; readonly at?: number } = {},
  ): Promise<readonly Said<HeadWitness>[]> {
    const signers = by ?? witnessesOf(entry.author, rosterOf(entry)).witnesses.map(world.byId);
    const { author, seq, id } = entry;
    const body: HeadWitness = { type: 'witness-head', v: 1, community: community.id, author, seq, entry: id, at };
    return Promise.all(signers.map((one) => say(one, body)));
  }

  function rosterOf({ event }: OpenedEntry): Written<'witnesses.named'> | null {
    if (event.kind !== 'reservation.made' || event.roster === null) return null;
    return founder.entries.find(({ entry }) => entry.id === event.roster) as Written<'witnesses.named'>;
  }

  async function claim(
    by: Member,
    granted: Written<'credit.granted'>,
    certificate?: readonly Said<HeadWitness>[],
  ): Promise<Written<'credit.claimed'>> {
    const signed = certificate ?? (await heads(granted));
    const { inside: _, ...carried } = granted.entry;
    return write(by, { kind: 'credit.claimed', grant: granted.bytes, heads: setOf(signed) }, [], {
      kind: 'grant',
      grant: carried,
      heads: witnessed(signed),
    });
  }

  async function reserve(payer: Member, payee: Member, given: ReserveOptions = {}): Promise<Reservation> {
    const { amountMicros = credits(0.5), jobId = world.next('job'), idempotencyKey = world.next('key') } = given;
    const { purpose = 'work', forMs = 2 * 3_600_000, roster = null } = given;
    const offered = given.offer === undefined && purpose === 'work' ? await offer(payee) : (given.offer ?? null);
    if (offered !== null) offersById.set(offered.id, offered);
    const event = {
      kind: 'reservation.made' as const,
      purpose,
      jobId,
      payee: payee.nodeId,
      offer: offered?.id ?? null,
      amountMicros,
      expiresAt: world.nowMs + forMs,
      idempotencyKey,
      roster: roster?.entry.id ?? null,
    };
    return write(payer, event, roster === null ? [] : [refTo(roster)], { kind: 'plain' });
  }
  const offersById = new Map<string, Said<OfferTerms>>();

  // Work and what it costs ----------------------------------------------------------------------------------------------

  async function work({ entry }: Reservation, change: SettlementChange = {}): Promise<Proposed> {
    const { event, author: payer, id } = entry;
    const { payee, jobId } = event;
    const host = world.byId(payee);
    const offered = change.offer ?? offersById.get(event.offer ?? '')!;
    const verifiers = change.verifiers ?? [member('v0'), member('v1')];
    const tokens = change.tokens ?? 100;
    const commitment = await say<Commitment>(host, {
      type: 'commitment',
      v: 1,
      jobId,
      traceId: `trace-${jobId}`,
      requester: payer,
      executor: payee,
      capability: TASK,
      input: digest(`in ${id}`),
      output: digest(`out ${id}`),
      at: world.nowMs,
      ...change.commitment,
    });
    const verdicts = await Promise.all(
      verifiers.map((one, at) => {
        const honest = verdictBody(one, entry, commitment, change.verdict ?? 'accepted');
        return say(one, change.verdicts?.(honest, at) ?? honest);
      }),
    );
    const chargeMicros = chargeFor(offered.body, tokens);
    const honest: InferenceWorkReceipt = {
      type: 'inference-work-receipt',
      v: 1,
      community: community.id,
      jobId,
      taskClass: TASK,
      expert: { id: offered.body.expert, hash: offered.body.modelHash },
      executor: payee,
      payer,
      offer: offered.id,
      creditAccount: payee,
      chargeMicros,
      work: {
        inputTokens: tokens - Math.floor(tokens / 2),
        outputTokens: Math.floor(tokens / 2),
        meteredCostMicros: Math.floor(chargeMicros / 2),
        wallTimeMs: 1_000,
        startedAt: world.nowMs - 1_000,
        completedAt: world.nowMs,
      },
      commitments: {
        commitment: commitment.id,
        input: digest(`in ${id}`),
        output: digest(`out ${id}`),
        routeTraceId: `trace-${jobId}`,
        nonce: new Uint8Array(16),
      },
      challenge: {
        windowSeconds: windowSecondsFor(policy, chargeMicros),
        methods: [...CHALLENGE_METHODS],
        replayMaterial: digest(`replay ${id}`),
        verifierSet: verifiers.map(({ nodeId }) => nodeId),
      },
      duplicateSpend: {
        spendKey: id,
        scope: 'reservation',
        previousReceipt: null,
        idempotencyKey: event.idempotencyKey,
      },
      policy: {
        privacyClass: 'public',
        sandboxProfile: SANDBOX,
        allowedForCredit: true,
        receiptRequirements: [...REQUIRED_RECEIPTS],
      },
      at: world.nowMs,
    };
    const receipt = await say(host, change.receipt?.(honest) ?? honest);
    const settlement: Settlement = {
      offer: offered.signed,
      receipt: receipt.signed,
      commitment: commitment.signed,
      verdicts: setOf(verdicts),
    };
    return {
      settlement,
      opened: {
        id: settlementIdOf(settlement),
        offer: offered.body,
        receipt: receipt.body,
        acknowledged: false,
        commitment: commitment.body,
        commitmentId: commitment.id,
        verdicts: verdicts.map(({ id: verdictId, body }) => ({ id: verdictId, verdict: body })),
      },
    };
  }

  const verdictBody = (
    validator: Member,
    { author, event }: Reservation['entry'],
    commitment: Pick<Said<Commitment>, 'id'>,
    found: VerdictStatement['verdict'],
  ): VerdictStatement => ({
    type: 'verdict',
    v: 1,
    jobId: event.jobId,
    traceId: `trace-${event.jobId}`,
    commitment: commitment.id,
    requester: author,
    executor: event.payee,
    validator: validator.nodeId,
    check: 'rescore',
    verdict: found,
    reason: found === 'accepted' ? 'ok' : 'output_mismatch',
    at: world.nowMs,
  });

  /** One more verdict about work that was done, or about work that nobody committed to. */
  function verdict(
    validator: Member,
    reservation: Reservation,
    done: Proposed | null,
    found: VerdictStatement['verdict'] = 'rejected',
  ): Promise<Said<VerdictStatement>> {
    return say(
      validator,
      verdictBody(validator, reservation.entry, { id: done?.opened.commitmentId ?? reservation.entry.id }, found),
    );
  }

  function propose(payee: Member, reservation: Reservation, done: Proposed): Promise<Written<'settlement.proposed'>> {
    return write(
      payee,
      { kind: 'settlement.proposed', reservation: reservation.entry.id, settlement: done.settlement },
      [refTo(reservation)],
      { kind: 'proposal', settlement: done.opened },
    );
  }

  // How it ends ---------------------------------------------------------------------------------------------------------

  async function outcomes(
    { entry }: Reservation,
    what: Pick<OutcomeWitness, 'outcome' | 'settlement' | 'chargeMicros'>,
    { by, at = world.nowMs }: { readonly by?: readonly Member[]; readonly at?: number } = {},
  ): Promise<readonly Said<OutcomeWitness>[]> {
    const signers = by ?? witnessesOf(entry.author, rosterOf(entry)).witnesses.map(world.byId);
    const { outcome, settlement, chargeMicros } = what;
    const body: OutcomeWitness = {
      type: 'witness-outcome',
      v: 1,
      community: community.id,
      reservation: entry.id,
      outcome,
      settlement,
      chargeMicros,
      at,
    };
    return Promise.all(signers.map((one) => say(one, body)));
  }

  /** Everything that an honest closing carries, with the statements of all witnesses at their times. */
  async function close(reservation: Reservation, given: CloseOptions): Promise<Prepared<'settlement.closed'>> {
    const { outcome, work: done = null, reasons = [] } = given;
    const { event } = reservation.entry;
    const offered =
      given.offer !== undefined ? given.offer : outcome === 'void' ? offersById.get(event.offer ?? '')! : null;
    const chargeMicros = given.chargeMicros ?? owedFor(outcome, event, done, reasons.length, offered);
    const basis = basisOf({ outcome, settlement: done?.opened ?? null, reasons, offer: offered });
    const proposedWhat = { outcome: 'proposed' as const, settlement: done?.opened.id ?? null, chargeMicros };
    const windowMs = (done?.opened.receipt.challenge.windowSeconds ?? 0) * 1_000;
    const endsAt = outcome === 'expired' ? Math.max(world.nowMs, event.expiresAt) : world.nowMs + windowMs;
    const headSaid = given.heads ?? (await heads(reservation));
    const proposedSaid = given.proposed ?? (done === null ? [] : await outcomes(reservation, proposedWhat));
    const closedSaid =
      given.closed ?? (await outcomes(reservation, { outcome, settlement: basis, chargeMicros }, { at: endsAt }));
    const closing: EventOf<'settlement.closed'> = {
      kind: 'settlement.closed',
      reservation: reservation.bytes,
      heads: setOf(headSaid),
      outcome,
      settlement: done?.settlement ?? null,
      proposed: setOf(proposedSaid),
      chargeMicros,
      closed: setOf(closedSaid),
      reasons: setOf(reasons),
      offer: offered?.signed ?? null,
    };
    const roster = rosterOf(reservation.entry);
    const { inside: _, ...carried } = reservation.entry;
    return {
      event: closing,
      refs: roster === null ? [] : [refTo(roster)],
      inside: {
        kind: 'closing',
        id: cidOf(encodeCanonical(closing)),
        reservation: carried,
        heads: witnessed(headSaid),
        settlement: done?.opened ?? null,
        proposed: witnessed(proposedSaid),
        closed: witnessed(closedSaid),
        reasons: reasons.map(({ id, body }) => ({ id, verdict: body })),
        offer: offered?.body ?? null,
      },
    };
  }

  function owedFor(
    outcome: Outcome,
    { purpose, amountMicros }: EventOf<'reservation.made'>,
    done: Proposed | null,
    rejections: number,
    offered: Said<OfferTerms> | null,
  ): number {
    if (outcome === 'settled') return purpose === 'bond' ? amountMicros : (done?.opened.receipt.chargeMicros ?? 0);
    if (outcome !== 'void' || offered === null) return 0;
    return splitCharge(policy, offered.body.minimumMicros, rejections).validatorMicros * rejections;
  }

  // Disputes ------------------------------------------------------------------------------------------------------------

  function bond(challenger: Member, about: Reservation, chargeMicros: number): Promise<Reservation> {
    return reserve(challenger, world.byId(about.entry.event.payee), {
      purpose: 'bond',
      jobId: about.entry.event.jobId,
      amountMicros: bondFor(chargeMicros),
    });
  }

  async function challenge(
    challenger: Member,
    proposal: Written<'settlement.proposed'>,
    about: Reservation,
    done: Proposed,
    stake: Reservation,
    said?: Said<VerdictStatement>,
  ): Promise<Written<'challenge.raised'>> {
    const found = said ?? (await verdict(challenger, about, done));
    return write(
      challenger,
      { kind: 'challenge.raised', proposal: proposal.entry.id, verdict: found.signed, bond: stake.entry.id },
      [refTo(proposal), refTo(stake)],
      { kind: 'verdicts', verdicts: [{ id: found.id, verdict: found.body }] },
    );
  }

  function panelOf(challenger: Member, about: Reservation, done: Proposed): readonly Member[] {
    const { author, event } = about.entry;
    const validators = done.opened.verdicts.map((one) => one.verdict.validator);
    const parties = new Set([author, event.payee, challenger.nodeId, ...validators]);
    const roster = rosterOf(about.entry)?.entry.event.roster ?? null;
    return panelFor({ settlement: done.opened.id, challenger: challenger.nodeId }, policy, roster, parties).map(
      world.byId,
    );
  }

  async function rule(
    author: Member,
    raised: Written<'challenge.raised'>,
    said: readonly Said<VerdictStatement>[],
  ): Promise<Written<'dispute.ruled'>> {
    return write(
      author,
      { kind: 'dispute.ruled', challenge: raised.entry.id, verdicts: setOf(said) },
      [refTo(raised)],
      { kind: 'verdicts', verdicts: said.map(({ id, body }) => ({ id, verdict: body })) },
    );
  }

  /** The closing is written into the validator's log, and behind it what it was paid for looking. */
  async function receiptForLooking(
    validator: Member,
    { done, closing }: { readonly done: Proposed; readonly closing: Prepared<'settlement.closed'> },
    change: Partial<VerificationReceipt> = {},
    author: Member = validator,
  ): Promise<Written<'verification.receipted'>> {
    const { event } = closing;
    await write(validator, event, closing.refs, closing.inside);
    const { jobId, executor, payer } = done.opened.receipt;
    const { verdicts } = done.opened;
    const own = verdicts.find(({ verdict }) => verdict.validator === validator.nodeId)!;
    const { signed, id, body } = await say<VerificationReceipt>(validator, {
      type: 'verification-receipt',
      v: 1,
      community: community.id,
      jobId,
      validator: validator.nodeId,
      executor,
      payer,
      verdict: own.id,
      settlement: cidOf(encodeCanonical(event)),
      check: own.verdict.check,
      paidMicros: splitCharge(policy, event.chargeMicros, verdicts.length).validatorMicros,
      at: world.nowMs,
      ...change,
    });
    const inside: Inside = { kind: 'verification', id, receipt: body };
    return write(author, { kind: 'verification.receipted', receipt: signed }, [], inside);
  }

  // New credit ----------------------------------------------------------------------------------------------------------

  async function mint(
    to: Member,
    amountMicros: number,
    change: {
      readonly contribution?: Partial<OpenedContribution>;
      readonly curators?: readonly Member[];
      readonly approval?: Partial<MintApproval>;
      readonly event?: Partial<EventOf<'credit.minted'>>;
    } = {},
  ): Promise<Written<'credit.minted'>> {
    const paper = await say(to, { type: 'contribution', v: 1, title: world.next('contribution') });
    const contribution: OpenedContribution = {
      receipt: paper.id,
      account: to.nodeId,
      mintKey: paper.id,
      mintMicros: amountMicros,
      fault: null,
      ...change.contribution,
    };
    const approval: MintApproval = {
      type: 'mint-approval',
      v: 1,
      community: community.id,
      receipt: contribution.receipt,
      to: to.nodeId,
      amountMicros,
      ...change.approval,
    };
    const curators = change.curators ?? policy.curators.map(world.byId);
    const approvals = await Promise.all(curators.map((one) => say(one, approval)));
    const event: EventOf<'credit.minted'> = {
      kind: 'credit.minted',
      contribution: paper.signed,
      to: to.nodeId,
      amountMicros,
      approvals: setOf(approvals),
      ...change.event,
    };
    const inside: Inside = {
      kind: 'mint',
      contribution,
      approvals: approvals.map(({ by, body }) => ({ by, approval: body })),
    };
    return write(to, event, [], inside);
  }

  function nameWitnesses(
    eligible: WitnessRoster['eligible'],
    epoch: number,
    author: Member = founder,
  ): Promise<Written<'witnesses.named'>> {
    return write(author, { kind: 'witnesses.named', roster: { epoch, eligible } }, [], { kind: 'plain' });
  }

  return world;
}
