import * as v from 'valibot';
import { freshId } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import type { WorkKinds } from '#core/experts/work-kind';
import { opensSeal } from '#core/experts/validators/sealed-verdict';
import { availableMicros } from '#core/ledger/account';
import type { EntryRef } from '#core/ledger/chain';
import type { ChallengeState } from '#core/ledger/ledger-state';
import type { Ledger } from '#core/ledger/ledger';
import { openOffer } from '#core/ledger/offer-terms';
import { openVerdicts, type OpenedVerdict } from '#core/ledger/open-event';
import { REJECTIONS_THAT_VOID, voidCharge } from '#core/ledger/rules/closing-rules';
import { bondFor, rulingOf, type ProposedSettlement } from '#core/ledger/rules/dispute-rules';
import { commitmentSchema } from '#core/ledger/statements';
import { EXPIRY_GRACE_MS, RULING_MS } from '#core/ledger/witness-duty';
import type { KeyValueStore } from '#core/storage/ports';
import type { Links } from '#core/transport/ports';
import { checkAgainst } from '#core/wire/gate';
import { idOfSigned, openSigned, signedSchema, type Signed } from '#core/wire/signed';
import { checkInputSchema, type CheckInput } from '#services/check-redo/contract';
import { checkReveal } from '#services/check-reveal/contract';
import type { CheckCapability } from '#services/work-services';
import { closeReservation, rosterRefs, type Ending } from './closing';
import type { LedgerExchange } from './exchange';
import { findEntry } from './find-entry';
import { createTimers, createTurns } from './timers';
import type { Witnessing } from './witnessing';

/** Who was not there, or could not tell, is asked again so much later. */
const RETRY_MS = 60_000;
/** Of the bond itself; behind a challenge witnesses let it go no sooner than a panel had its time. */
const BOND_BINDS_MS = 60 * 60_000;
/** For the own look: it may be at the whole of a long answer. */
const OWN_LOOK_MS = 60_000;

/** Entries at the end of the own log in which its ruling is looked for. */
const RULING_LOOKED_FOR_IN = 400;

/** A challenge under way, kept until a panel ruled: what its members are shown, and what they found. */
const openSchema = v.strictObject({
  v: v.literal(1),
  bond: v.string(),
  raisedAt: v.number(),
  claim: checkInputSchema,
  verdicts: v.array(signedSchema),
});

type OpenChallenge = v.InferOutput<typeof openSchema>;

/** What this node found when it looked again. */
export interface Look {
  readonly verdict: 'accepted' | 'rejected' | 'undecided';
  readonly reason: string;
  /** What a challenge would put up. */
  readonly bondMicros: number;
  /** Who would judge it; nobody: it cannot be judged. */
  readonly panel: readonly NodeId[];
}

/** A link to a validator of the panel is made in so long, or it is not here. */
const REACH_MS = 5_000;

export interface DisputesDeps {
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly records: KeyValueStore;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly links: Pick<Links, 'reach'>;
  readonly exchange: LedgerExchange;
  readonly witnessing: Witnessing;
  readonly kinds: WorkKinds;
  readonly checks: ReadonlyMap<CapabilityId, CheckCapability>;
  /** Loads the model that checks an answer of it. */
  readonly loadModel: (id: string) => Promise<Result<unknown>>;
}

/**
 * Challenges to work that was proposed for payment: of this node's own questions, since whoever challenges must show the words.
 * It looks itself, puts up the bond, has the panel look, writes the ruling, and sees to it that bonds and reservations end by it.
 */
export interface Disputes {
  /**
   * Looks again at work paid from a reservation, on this device. Codes: `nothing_proposed`, `already_ended`, `foreign_claim`, those of
   * loading the model, of the check.
   */
  look(reservation: string, claim: CheckInput): Promise<Result<Look>>;
  /**
   * Puts up the bond and calls the panel; resolves when the challenge stands. Looks first where that was not done. Codes besides those
   * of `look`: `no_rejection`, `no_panel`, `bond_too_high`, `challenged_twice`, those of the ledger.
   */
  challenge(reservation: string, claim: CheckInput): Promise<Result<{ readonly panel: readonly NodeId[] }>>;
  stop(): void;
}

const NOTHING: Omit<Ending, 'outcome' | 'chargeMicros'> = {
  settlement: null,
  proposed: [],
  reasons: [],
  offer: null,
  release: null,
};

export function startDisputes(deps: DisputesDeps): Disputes {
  const { verify, clock, chance, records, ledger, bus, links, exchange, witnessing, kinds, checks, loadModel } = deps;
  const { author: self, community } = ledger;
  const policy = community.economy;
  const prefix = `challenge/${community.id}/`;
  const openByBond = new Map<string, OpenChallenge>();
  const looks = new Map<string, Signed>();
  /** Reservations and bonds that are being ended. */
  const ending = new Set<string>();
  /** Challenges that were ruled on, as far as that says something about this node's money that was not seen to yet. */
  const unsettled = new Set<string>();
  /** How much of what rulings came to a state was looked at: a ban makes another state of the same logs. */
  let followed = { state: ledger.state, rulings: 0 };
  const convening = new Set<string>();
  const timers = createTimers(clock);
  const { later } = timers;
  const inTurn = createTurns();

  /** A validator's verdict on a claim of ours: sealed, then told. */
  async function askVerdict(validator: NodeId, claim: CheckInput, timeoutMs: number): Promise<Result<Signed>> {
    const opened = await openSigned(commitmentSchema, claim.commitment, verify);
    if (!opened.ok) return opened;
    const { jobId, capability } = opened.value;
    const kind = kinds.get(capability as CapabilityId);
    const check = kind && checks.get(kind.checkCapability);
    if (!check) return fail('unsupported', 'This node does not know how such work is checked.');
    if (!(await links.reach(validator, REACH_MS))) return fail('no_answer', 'That node is not reachable now.');
    const sealed = await bus.call(check, claim, {
      provider: validator,
      timeoutMs: Math.max(timeoutMs, check.timeoutMs),
    });
    if (!sealed.ok) return sealed;
    const revealed = await bus.call(checkReveal, { jobId }, { provider: validator });
    if (!revealed.ok) return revealed;
    if (!opensSeal(sealed.value.sealed, revealed.value))
      return fail('seal_mismatch', 'The verdict is not the one that was sealed.');
    return ok(revealed.value.verdict);
  }

  async function opened(verdict: Signed, validator: NodeId, commitment: string): Promise<Result<OpenedVerdict>> {
    const read = await openVerdicts([verdict], verify);
    if (!read.ok) return read;
    const [one] = read.value;
    return one!.verdict.validator === validator && one!.verdict.commitment === commitment
      ? ok(one!)
      : fail('verdict_mismatch', 'The verdict is about other work.');
  }

  /** The proposal that is to be challenged, while it can be. */
  function proposalOf(reservation: string): Result<ProposedSettlement> {
    const { state } = ledger;
    if (state.closingByReservation.has(reservation)) return fail('already_ended', 'That payment has ended already.');
    const proposal = state.proposalsById.get(state.reservationsById.get(reservation)?.proposal ?? '');
    return proposal === undefined
      ? fail('nothing_proposed', 'Nothing is asked for that work yet, so there is nothing to challenge.')
      : ok(proposal);
  }

  async function lookAgain(reservation: string, claim: CheckInput) {
    const proposal = proposalOf(reservation);
    if (!proposal.ok) return proposal;
    if (idOfSigned(claim.commitment) !== proposal.value.commitmentId)
      return fail('foreign_claim', 'The words kept on this device are of other work.');
    const known = looks.get(reservation);
    if (known === undefined) {
      const commitment = await openSigned(commitmentSchema, claim.commitment, verify);
      if (!commitment.ok) return commitment;
      const kind = kinds.get(commitment.value.capability as CapabilityId);
      const output = kind && checkAgainst(kind.capability.output, claim.output);
      const model = kind && output?.ok ? kind.model(output.value) : null;
      if (model) {
        const loaded = await loadModel(model.id);
        if (!loaded.ok) return loaded;
      }
    }
    const signed = known === undefined ? await askVerdict(self, claim, OWN_LOOK_MS) : ok(known);
    if (!signed.ok) return signed;
    const verdict = await opened(signed.value, self, proposal.value.commitmentId);
    if (!verdict.ok) return verdict;
    looks.set(reservation, signed.value);
    return ok({ signed: signed.value, verdict: verdict.value.verdict, proposal: proposal.value });
  }

  async function raise(reservation: string, claim: CheckInput) {
    const looked = await lookAgain(reservation, claim);
    if (!looked.ok) return looked;
    const { signed, verdict, proposal } = looked.value;
    if (verdict.verdict !== 'rejected') return fail('no_rejection', 'This device does not find the work wrong.');
    const { state } = ledger;
    const panel = state.panelOf(proposal.id, self);
    if (panel.length === 0)
      return fail('no_panel', 'Nobody may judge this: ask the founder of the community to name more witnesses.');
    if (state.challengesOf(reservation).some(({ challenger }) => challenger === self))
      return fail('challenged_twice', 'You challenged this work already.');
    const amountMicros = bondFor(proposal.chargeMicros);
    if (availableMicros(state.accountOf(self)) < amountMicros)
      return fail('bond_too_high', 'You do not have enough credit for the bond; wait until some comes back.');
    const work = state.reservationsById.get(reservation)!;
    const proposed = await findEntry(ledger, work.payee, proposal.id);
    if (proposed === null)
      return fail('nothing_proposed', 'The proposal was not found in the log of who did the work.');
    const id = freshId(chance, 'bond');
    const bond = await ledger.append(
      {
        kind: 'reservation.made',
        purpose: 'bond',
        jobId: work.jobId,
        payee: work.payee,
        offer: null,
        amountMicros,
        expiresAt: clock.now() + BOND_BINDS_MS,
        idempotencyKey: id,
        roster: work.roster,
      },
      rosterRefs(ledger, work.roster),
    );
    if (!bond.ok) return bond;
    void endUnruled(bond.value.id);
    if (!ledger.state.reservationsById.has(bond.value.id))
      return fail('bond_refused', 'The ledger refused the bond; try again when your witnesses have not just changed.');
    // Kept first: a challenge that stands is brought before its panel, whatever ends this node in between.
    const kept = await keep({ v: 1, bond: bond.value.id, raisedAt: clock.now(), claim, verdicts: [] });
    if (!kept.ok) return kept;
    const written = await ledger.append(
      { kind: 'challenge.raised', proposal: proposal.id, verdict: signed, bond: bond.value.id },
      [refOf(proposed), refOf(bond.value)],
    );
    if (!written.ok) return written;
    if (!ledger.state.challengesById.has(written.value.id))
      return fail('challenge_refused', 'The ledger refused the challenge; its reason stands in the audit.');
    void convene(bond.value.id);
    return ok({ panel });
  }

  function keep(open: OpenChallenge): Promise<Result<void>> {
    openByBond.set(open.bond, open);
    return records.set(prefix + open.bond, open);
  }
  async function forget(bond: string): Promise<void> {
    openByBond.delete(bond);
    await records.delete(prefix + bond);
  }

  /** Asks those of the panel who did not say yet, and writes the ruling when most of them agree. */
  async function convene(bond: string): Promise<void> {
    const open = openByBond.get(bond);
    if (timers.stopped || open === undefined || convening.has(bond)) return;
    const { state } = ledger;
    const challenge = state.challengesById.get(state.challengeByBond.get(bond) ?? '');
    const proposal = challenge && state.proposalsById.get(challenge.proposal);
    if (!proposal || state.rulings.has(challenge.id)) return forget(bond);
    if (clock.now() > open.raisedAt + proposal.windowSeconds * 1_000 + RULING_MS) return forget(bond);
    convening.add(bond);
    const ruled = await askPanel(open, challenge.id, proposal).catch(() => false);
    convening.delete(bond);
    if (!ruled) return later(RETRY_MS, () => void convene(bond));
    await forget(bond);
  }

  /** Whether the ruling was written. */
  async function askPanel(open: OpenChallenge, challenge: string, proposal: ProposedSettlement): Promise<boolean> {
    const panel = ledger.state.panelOf(proposal.id, self);
    const given = new Map<NodeId, { readonly signed: Signed; readonly opened: OpenedVerdict }>();
    const note = async (node: NodeId, signed: Signed): Promise<void> => {
      const read = await opened(signed, node, proposal.commitmentId);
      // Who could not tell is asked again: it may have the model by then.
      if (read.ok && read.value.verdict.verdict !== 'undecided') given.set(node, { signed, opened: read.value });
    };
    for (const signed of open.verdicts) {
      const read = await openVerdicts([signed], verify);
      if (read.ok) await note(read.value[0]!.verdict.validator, signed);
    }
    await Promise.all(
      panel
        .filter((node) => !given.has(node))
        .map(async (node) => {
          // A member of the panel must have heard of what it judges, and its verdict is told in its own log.
          await exchange.bring(node);
          const signed = await askVerdict(node, open.claim, 0);
          if (signed.ok) await note(node, signed.value);
        }),
    );
    const found = [...given.values()];
    await keep({ ...open, verdicts: found.map(({ signed }) => signed) });
    const ruling = rulingOf(
      panel,
      found.map((one) => one.opened),
    );
    const raised = ruling === null ? null : await findEntry(ledger, self, challenge);
    if (raised === null) return false;
    const verdicts = found.map(({ signed }) => signed);
    const written = await ledger.append({ kind: 'dispute.ruled', challenge, verdicts }, [refOf(raised)]);
    return written.ok;
  }

  /** Ends what hangs on a challenge, once; whether nothing is left to do. What could not be certified is tried again. */
  async function endOnce(reservation: string, ends: () => Promise<Ending | null>): Promise<boolean> {
    if (ledger.state.closingByReservation.has(reservation)) return true;
    if (timers.stopped || ending.has(reservation)) return false;
    const known = ledger.state.reservationsById.get(reservation);
    if (known === undefined) return true;
    ending.add(reservation);
    try {
      const [entry, how] = await Promise.all([ledger.bytesOf(known.payer, known.seq, 1), ends()]);
      const bytes = entry.ok ? entry.value[0] : undefined;
      if (how === null) return true;
      const reserved = bytes === undefined ? null : { entry: bytes, heads: [] };
      if (reserved && (await closeReservation(ledger, witnessing, verify, reserved, how)).ok) return true;
    } catch {
      // What broke is tried again like what failed.
    } finally {
      ending.delete(reservation);
    }
    later(RETRY_MS, () => void inTurn(followRulings));
    return false;
  }

  const endBond = (bond: string, outcome: 'settled' | 'released'): Promise<boolean> =>
    endOnce(bond, async () => ({
      ...NOTHING,
      outcome,
      chargeMicros: outcome === 'settled' ? (ledger.state.reservationsById.get(bond)?.amountMicros ?? 0) : 0,
    }));

  /** A bond on which nobody ruled comes back when it has expired: behind a challenge no sooner than a panel had its time. */
  async function endUnruled(bond: string): Promise<void> {
    const { state } = ledger;
    const known = state.reservationsById.get(bond);
    if (known === undefined || state.closingByReservation.has(bond)) return;
    const challenge = state.challengesById.get(state.challengeByBond.get(bond) ?? '');
    // Then it ends by the ruling.
    if (challenge && state.rulings.has(challenge.id)) return;
    const windowSeconds = state.proposalsById.get(challenge?.proposal ?? '')?.windowSeconds ?? 0;
    const longerMs = challenge ? windowSeconds * 1_000 + RULING_MS : 0;
    const leftMs = known.expiresAt + EXPIRY_GRACE_MS + longerMs - clock.now();
    const isOver =
      leftMs <= 0 && (await endOnce(bond, async () => ({ ...NOTHING, outcome: 'expired', chargeMicros: 0 })));
    if (!isOver) later(leftMs > 0 ? leftMs : RETRY_MS, () => void endUnruled(bond));
  }

  /** Work that a panel found wrong pays those who looked, where two of them did; else its reservation expires. */
  const voidWork = (challenge: ChallengeState, reservation: string, proposal: ProposedSettlement): Promise<boolean> =>
    endOnce(reservation, async () => {
      const work = ledger.state.reservationsById.get(reservation)!;
      const [ruled, proposed] = await Promise.all([findRuling(challenge), findEntry(ledger, work.payee, proposal.id)]);
      if (ruled === null || proposed?.event.kind !== 'settlement.proposed') return null;
      const read = await openVerdicts(ruled, verify);
      const { offer } = proposed.event.settlement;
      const terms = await openOffer(offer, verify);
      if (!read.ok || !terms.ok) return null;
      const reasons = ruled.filter((_, at) => read.value[at]!.verdict.verdict === 'rejected');
      if (reasons.length < REJECTIONS_THAT_VOID) return null;
      const chargeMicros = voidCharge(policy!, terms.value.minimumMicros, reasons.length);
      return { ...NOTHING, outcome: 'void', chargeMicros, reasons, offer };
    });

  /** Verdicts of the ruling on a challenge: whoever raised it wrote them into its own log a moment ago. */
  async function findRuling({ id, challenger }: ChallengeState): Promise<readonly Signed[] | null> {
    const length = ledger.heads().find(({ author }) => author === challenger)?.length ?? 0;
    const from = Math.max(ledger.heldFrom(challenger), length - RULING_LOOKED_FOR_IN);
    const read = await ledger.entriesOf(challenger, from, RULING_LOOKED_FOR_IN);
    if (!read.ok) return null;
    for (const { event } of [...read.value].reverse())
      if (event.kind === 'dispute.ruled' && event.challenge === id) return event.verdicts;
    return null;
  }

  /** Rulings decide who keeps a bond, and whether work that was proposed is paid for. */
  async function followRulings(): Promise<void> {
    for (const id of [...unsettled]) if (await seeTo(id)) unsettled.delete(id);
  }

  /** Whether nothing is left to do. */
  async function seeTo(id: string): Promise<boolean> {
    const { state } = ledger;
    const challenge = state.challengesById.get(id);
    const proposal = challenge && state.proposalsById.get(challenge.proposal);
    const work = proposal && state.reservationsById.get(proposal.reservation);
    if (!challenge || !proposal || !work) return true;
    if (state.rulings.get(id) === 'dismissed') return work.payee !== self || endBond(challenge.bond, 'settled');
    const isBack = challenge.challenger !== self || (await endBond(challenge.bond, 'released'));
    const isVoid = work.payer !== self || (await voidWork(challenge, work.id, proposal));
    return isBack && isVoid;
  }

  /** Looks at the rulings that are new and at no other: most of them are about others. */
  function noteRulings(): void {
    const { state } = ledger;
    if (followed.state !== state) followed = { state, rulings: 0 };
    for (; followed.rulings < state.ruledInTurn.length; followed.rulings++) {
      const id = state.ruledInTurn[followed.rulings]!;
      const challenge = state.challengesById.get(id);
      const proposal = state.proposalsById.get(challenge?.proposal ?? '');
      const work = state.reservationsById.get(proposal?.reservation ?? '');
      if ([challenge?.challenger, work?.payer, work?.payee].includes(self)) unsettled.add(id);
    }
  }

  function onChange(): void {
    noteRulings();
    if (unsettled.size > 0) void inTurn(followRulings);
  }
  const stopWatching = ledger.changed.on(onChange);

  /** What an earlier run left open. */
  void (async () => {
    const keys = await records.keys(prefix);
    for (const key of keys.ok ? keys.value : []) {
      const kept = await records.get<unknown>(key);
      const open = kept.ok ? checkAgainst(openSchema, kept.value) : null;
      if (!open?.ok) continue;
      openByBond.set(open.value.bond, open.value);
      void convene(open.value.bond);
    }
    onChange();
  })();

  return {
    look: (reservation, claim) =>
      inTurn(async () => {
        const looked = await lookAgain(reservation, claim);
        if (!looked.ok) return looked;
        const { verdict, proposal } = looked.value;
        return ok({
          verdict: verdict.verdict,
          reason: verdict.reason,
          bondMicros: bondFor(proposal.chargeMicros),
          panel: ledger.state.panelOf(proposal.id, self),
        });
      }),
    challenge: (reservation, claim) => inTurn(() => raise(reservation, claim)),
    stop() {
      stopWatching();
      timers.stop();
    },
  };
}

const refOf = ({ author, seq, id }: EntryRef): EntryRef => ({ author, seq, id });
