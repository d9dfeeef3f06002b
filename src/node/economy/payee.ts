import * as v from 'valibot';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { CapabilityId } from '#core/bus/capability';
import { MAX_JOBS_HELD, type FinishedJob, type JobDone, type JobPayment } from '#core/jobs/executor';
import { openEntry } from '#core/ledger/chain';
import { windowSecondsFor } from '#core/ledger/credits';
import { ledgerEventSchema, MAX_CARRIED_BYTES, settlementIdOf, settlementSchema } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { openOffer, type OfferTerms } from '#core/ledger/offer-terms';
import { openReservation, openSettlement, openVerdicts, type OpenedVerdict } from '#core/ledger/open-event';
import { accepts, chargeFor, PROPOSAL_RULES, reservedWorkOf } from '#core/ledger/rules/proposal-rules';
import { keepsAll } from '#core/ledger/rules/rule';
import { commitmentSchema } from '#core/ledger/statements';
import { EXPIRY_GRACE_MS, HANDOVER_GAP_MS, rosterInForce } from '#core/ledger/witness-duty';
import { certifiedAt, openHeadWitness } from '#core/ledger/witnesses';
import {
  CHALLENGE_METHODS,
  openWorkReceipt,
  REQUIRED_RECEIPTS,
  type InferenceWorkReceipt,
} from '#core/ledger/work-receipts';
import type { KeyValueStore } from '#core/storage/ports';
import { bytesSchema, checkAgainst } from '#core/wire/gate';
import { idOfSigned, openSigned, sign, signedSchema, type Signed } from '#core/wire/signed';
import { closeReservation, type Reserved } from './closing';
import { createTimers } from './timers';
import type { Witnessing } from './witnessing';

/** A payer that agrees does so at once; after this long the work is proposed without its word. */
const ACKNOWLEDGED_WITHIN_MS = 20_000;
/** Entries at the end of each log in which verdicts on work of this node are looked for, when its payer is silent. */
const VERDICTS_LOOKED_FOR_IN = 200;
/** Less time than this is not enough to do the work and to propose it, should its witnesses be out of reach for an hour. */
const LEAST_TIME_LEFT_MS = 75 * 60_000;
const RETRY_MS = 60_000;
/** What witnesses' clocks may be behind this one. */
const WINDOW_SLACK_MS = 2_000;

/** What a finished job needs to be paid, kept until it is. */
const dueSchema = v.strictObject({
  v: v.literal(1),
  reservation: v.string(),
  /** The payer's entry, and what witnesses signed of it: what is owed stands by these, whatever the payer signs later. */
  entry: bytesSchema(MAX_CARRIED_BYTES),
  heads: v.array(signedSchema),
  jobId: v.string(),
  payer: v.string(),
  /** The advertisement and the commitment as they were signed. */
  offer: signedSchema,
  commitment: signedSchema,
  receipt: v.nullable(signedSchema),
  work: v.strictObject({
    inputTokens: v.number(),
    outputTokens: v.number(),
    wallTimeMs: v.number(),
    startedAt: v.number(),
    completedAt: v.number(),
    expert: v.nullable(v.strictObject({ id: v.string(), hash: v.string() })),
    capability: v.string(),
    traceId: v.string(),
  }),
  settlement: v.nullable(settlementSchema),
  proposed: v.array(signedSchema),
  proposedAt: v.nullable(v.number()),
});

type Due = v.InferOutput<typeof dueSchema>;
type DueSettlement = NonNullable<Due['settlement']>;

/** What pays a job that was taken. */
interface Admitted extends Reserved {
  readonly reservation: string;
  readonly amountMicros: number;
  readonly offer: Signed;
}

export interface PayeeDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly ledger: Ledger;
  readonly records: KeyValueStore;
  readonly witnessing: Witnessing;
  /** The advertisement under which this node works now, and earlier ones that have not expired. */
  readonly ownOffers: () => Promise<readonly { readonly signed: Signed; readonly terms: OfferTerms }[]>;
  readonly mostTokens: (capability: CapabilityId, input: unknown) => number;
  readonly countsOf: (job: FinishedJob) => {
    readonly tokens: { readonly prompt: number; readonly completion: number } | null;
    readonly model: { readonly id: string; readonly hash: string } | null;
  };
}

/** Whether a job is taken, and for what. */
export type Taken = { readonly kind: 'paid'; readonly reservation: string } | { readonly kind: 'favour' };

/** The side that is paid: takes jobs only with enough set aside for them, and sees its work through to a closed settlement. */
export interface Payee {
  /** Codes: `payment_refused` with the reason, `no_favours` where everything kept for those without credit is in use. */
  take(
    job: {
      readonly jobId: string;
      readonly capability: CapabilityId;
      readonly input: unknown;
      readonly payment?: JobPayment | undefined;
    },
    payer: NodeId,
  ): Promise<Result<Taken>>;
  /** The job is over: with what came of it, or null when it failed. */
  over(jobId: string, payer: NodeId, done: JobDone | null): Promise<void>;
  /**
   * Gives up being paid from a reservation, for good: kept before the answer is known, so that no job is taken on it afterwards. False
   * while a job runs that it pays, or work of it was accepted.
   */
  letGo(reservation: string): Promise<Result<boolean>>;
  receiptFor(payer: NodeId, jobId: string, verdicts: readonly Signed[]): Promise<Result<Signed>>;
  acknowledged(payer: NodeId, receipt: Signed): Promise<Result<boolean>>;
  stop(): void;
}

const refuse = (message: string) => fail('payment_refused', message, message);

export function createPayee(deps: PayeeDeps): Payee {
  const { signer, verify, clock, chance, ledger, records, witnessing } = deps;
  const self = signer.nodeId;
  const { community } = ledger;
  const policy = community.economy;
  const prefix = `payee/${community.id}/`;
  /** Jobs that run, with the reservation that pays them; null for a favour. */
  const running = new Map<string, Admitted | null>();
  const dueByJob = new Map<string, Due>();
  const verdictsByJob = new Map<string, readonly Signed[]>();
  /** Of finished jobs that are not paid, and perhaps never will be, what was set aside for them without a witness. */
  const unseenByJob = new Map<string, number>();
  const unseenPrefix = `unseen/${community.id}/`;
  /** Reservations that this node gave up being paid from. */
  const released = new Set<string>();
  const releasedKey = (reservation: string): string => `released/${community.id}/${reservation}`;
  const isOwed = (reservation: string): boolean =>
    [...running.values()].some((one) => one?.reservation === reservation) ||
    [...dueByJob.values()].some((due) => due.reservation === reservation && due.receipt !== null);
  const timers = createTimers(clock);
  const { later } = timers;

  const keyOf = (payer: NodeId, jobId: string): string => `${payer}/${jobId}`;

  async function keep(due: Due): Promise<Result<void>> {
    const key = keyOf(due.payer, due.jobId);
    const written = await records.set(prefix + key, due);
    if (written.ok) dueByJob.set(key, due);
    return written;
  }

  async function forget(due: Due): Promise<void> {
    const key = keyOf(due.payer, due.jobId);
    dueByJob.delete(key);
    verdictsByJob.delete(key);
    const lost = unseenByJob.get(key);
    if (lost !== undefined && ledger.state.closingByReservation.get(due.reservation)?.outcome !== 'settled') {
      // Whoever let this node work for nothing is not trusted with the same again.
      await records.set(unseenPrefix + key, lost);
    } else unseenByJob.delete(key);
    await records.delete(prefix + key);
  }

  async function admitPayment(
    payment: JobPayment,
    jobId: string,
    capability: CapabilityId,
    input: unknown,
    payer: NodeId,
  ): Promise<Result<Admitted>> {
    const entry = await openEntry(ledgerEventSchema, payment.reservation, verify);
    if (!entry.ok) return refuse('The reservation cannot be read.');
    const { id, author, event } = entry.value;
    if (event.kind !== 'reservation.made' || author !== payer || event.payee !== self || event.jobId !== jobId)
      return refuse('The reservation is for another job.');
    const { state } = ledger;
    if (state.bannedFrom.has(payer)) return refuse('You signed two different histories.');
    const known = state.reservationsById.get(id);
    if (known === undefined) return refuse('The reservation does not stand in your log as this node knows it.');
    if (state.closingByReservation.has(id)) return refuse('That reservation has ended.');
    const givenUp = await records.get<boolean>(releasedKey(id));
    if (!givenUp.ok) return givenUp;
    if (givenUp.value === true) return refuse('This node let that reservation go.');
    if ([...running.values(), ...dueByJob.values()].some((one) => one?.reservation === id))
      return refuse('That reservation pays another job already.');
    const offer = (await deps.ownOffers()).find(({ terms }) => terms.id === event.offer);
    if (offer === undefined || offer.terms.expiresAt <= clock.now())
      return refuse('This node does not work under that advertisement any more.');
    if (!offer.terms.taskClasses.includes(capability)) return refuse('That work is not offered there.');
    if (event.amountMicros < chargeFor(offer.terms, deps.mostTokens(capability, input)))
      return refuse('Too little is set aside for that work.');
    if (event.expiresAt < clock.now() + LEAST_TIME_LEFT_MS) return refuse('The reservation expires too soon.');
    // Witnesses who were replaced may be those whom the payer has on its side.
    if (![clock.now(), clock.now() + HANDOVER_GAP_MS].some((at) => event.roster === rosterInForce(state, at)))
      return refuse('The reservation names witnesses that were replaced.');
    const set = witnessing.setFor(payer, event.roster);
    const heads = [];
    for (const signed of payment.heads) {
      const opened = await openHeadWitness(signed, verify);
      if (opened.ok) heads.push(opened.value);
    }
    const certified =
      certifiedAt(set, heads, (head) => head.author === payer && head.seq === entry.value.seq && head.entry === id) !==
      null;
    return ok({
      reservation: id,
      amountMicros: event.amountMicros,
      offer: offer.signed,
      entry: payment.reservation,
      heads: certified ? payment.heads : [],
    });
  }

  /** What this payer has under way here that no witness saw, and work that was done for it and is not paid yet. */
  function provisionalFrom(payer: NodeId): number {
    let sum = 0;
    for (const [key, one] of running)
      if (one !== null && one.heads.length === 0 && key.startsWith(`${payer}/`)) sum += one.amountMicros;
    for (const [key, amountMicros] of unseenByJob) if (key.startsWith(`${payer}/`)) sum += amountMicros;
    return sum;
  }

  /** Of the jobs that fit, how many may be favours at a time: at least one, so that newcomers get in. */
  const mostFavours = (): number =>
    policy === undefined ? MAX_JOBS_HELD : Math.max(1, Math.floor((MAX_JOBS_HELD * policy.freeSharePercent) / 100));

  /** What this node signed itself, and kept, opens. */
  const commitmentOf = async (signed: Signed) => ({
    ...unwrap(await openSigned(commitmentSchema, signed, verify)),
    id: idOfSigned(signed),
  });
  const reservationOf = async (due: Due) => unwrap(await openReservation(due.entry, verify));
  const termsOf = async (signed: Signed): Promise<OfferTerms> => unwrap(await openOffer(signed, verify));

  async function receiptOf(due: Due, verdicts: readonly OpenedVerdict[]): Promise<Signed> {
    const terms = await termsOf(due.offer);
    const { work } = due;
    const reserved = await reservationOf(due);
    const commitment = await commitmentOf(due.commitment);
    const chargeMicros = chargeFor(terms, work.inputTokens + work.outputTokens);
    const body: InferenceWorkReceipt = {
      type: 'inference-work-receipt',
      v: 1,
      community: community.id,
      jobId: due.jobId,
      taskClass: work.capability,
      expert: work.expert,
      executor: self,
      payer: due.payer,
      offer: terms.id,
      creditAccount: self,
      chargeMicros,
      work: {
        inputTokens: work.inputTokens,
        outputTokens: work.outputTokens,
        meteredCostMicros: Math.min(chargeMicros, (work.inputTokens + work.outputTokens) * terms.rateMicros),
        wallTimeMs: Math.max(1, Math.round(work.wallTimeMs)),
        startedAt: work.startedAt,
        completedAt: work.completedAt,
      },
      commitments: {
        commitment: commitment.id,
        input: commitment.input,
        output: commitment.output,
        routeTraceId: work.traceId,
        nonce: chance.bytes(16),
      },
      challenge: {
        windowSeconds: windowSecondsFor(policy!, chargeMicros),
        methods: [...CHALLENGE_METHODS],
        replayMaterial: commitment.output,
        verifierSet: verdicts.map(({ verdict }) => verdict.validator),
      },
      duplicateSpend: {
        spendKey: due.reservation,
        scope: 'reservation',
        previousReceipt: null,
        idempotencyKey: reserved.event.idempotencyKey,
      },
      policy: {
        privacyClass: 'public',
        sandboxProfile: terms.sandboxProfile,
        allowedForCredit: true,
        receiptRequirements: [...REQUIRED_RECEIPTS],
      },
      at: clock.now(),
    };
    return sign(signer, body);
  }

  /** What is to be proposed, as long as the rules of proposals hold it: what they refuse would never be paid. */
  async function settlementOf(due: Due, receipt: Signed, verdicts: readonly Signed[]): Promise<Result<DueSettlement>> {
    const settlement = { offer: due.offer, receipt, commitment: due.commitment, verdicts: [...verdicts] };
    const opened = await openSettlement(settlement, verify);
    if (!opened.ok) return opened;
    const reservation = reservedWorkOf(await reservationOf(due));
    const kept = keepsAll(PROPOSAL_RULES, {
      ...opened.value,
      community: community.id,
      policy: policy ?? null,
      reservation,
    });
    return kept.ok ? ok(settlement as DueSettlement) : kept;
  }

  /** Verdicts that its validators told in their own logs, for work whose payer is silent. */
  async function verdictsInLogs(due: Due): Promise<readonly Signed[]> {
    const found: Signed[] = [];
    const commitment = (await commitmentOf(due.commitment)).id;
    for (const { author, length } of ledger.heads()) {
      if (author === self || author === due.payer) continue;
      const from = Math.max(ledger.heldFrom(author), length - VERDICTS_LOOKED_FOR_IN);
      const read = await ledger.entriesOf(author, from, VERDICTS_LOOKED_FOR_IN);
      if (!read.ok) continue;
      for (const { event } of read.value) {
        if (event.kind !== 'verdict.given') continue;
        const opened = await openVerdicts([event.verdict], verify);
        const verdict = opened.ok ? opened.value[0]!.verdict : null;
        if (verdict?.commitment === commitment && verdict.validator === author) found.push(event.verdict);
      }
    }
    return found;
  }

  /** Proposes finished work, fixes the time with the witnesses, and closes when the window has. */
  async function pursue(due: Due): Promise<void> {
    // What is still owed goes on from what is kept when the node starts again.
    if (timers.stopped) return;
    if (ledger.state.closingByReservation.has(due.reservation)) return forget(due);
    // No witness signs any more for who signed two histories: what none saw before is lost.
    if (due.heads.length === 0 && ledger.state.bannedFrom.has(due.payer)) return forget(due);
    if (due.settlement === null) {
      const verdicts = verdictsByJob.get(keyOf(due.payer, due.jobId)) ?? (await verdictsInLogs(due));
      const opened = await openVerdicts(verdicts, verify);
      if (!opened.ok || !accepts(opened.value)) {
        // Nobody accepted it, so nobody pays; when the reservation has expired there is nothing left to pay from.
        return clock.now() > (await reservationOf(due)).event.expiresAt
          ? forget(due)
          : later(RETRY_MS, () => void pursueAgain(due));
      }
      const receipt = due.receipt ?? (await receiptOf(due, opened.value));
      const settlement = await settlementOf(due, receipt, verdicts);
      const kept = settlement.ok
        ? await keep({ ...due, receipt: settlement.value.receipt, settlement: settlement.value })
        : settlement;
      return kept.ok ? pursueAgain(due) : later(RETRY_MS, () => void pursueAgain(due));
    }
    const { settlement } = due;
    const receipt = await openWorkReceipt(settlement.receipt, verify);
    if (!receipt.ok) return forget(due);
    const { chargeMicros, challenge } = receipt.value.receipt;
    const reserved = await reservationOf(due);
    const set = witnessing.setFor(reserved.author, reserved.event.roster);
    if (due.proposedAt === null) {
      const isThere = [...ledger.state.proposalsById.values()].some(
        (one) => one.reservation === due.reservation && one.settlement === settlementIdOf(settlement),
      );
      // Of a payer whose log counts no more nothing can be proposed: its witnesses go by what they certified.
      const canBeSeen = ledger.state.reservationsById.has(due.reservation);
      if (!isThere && canBeSeen) {
        const { author, seq, id } = reserved;
        const written = await ledger.append({ kind: 'settlement.proposed', reservation: id, settlement }, [
          { author, seq, id },
        ]);
        if (!written.ok) return later(RETRY_MS, () => void pursueAgain(due));
      }
      const proposed = await witnessing.certifyOutcome(
        {
          reservation: due.reservation,
          certified: due.heads.length > 0 ? { entry: due.entry, heads: due.heads } : null,
          outcome: 'proposed',
          chargeMicros,
          settlement,
          proposed: [],
          reasons: [],
          offer: null,
          release: null,
        },
        set,
      );
      if (!proposed.complete) {
        const hopelessAt = reserved.event.expiresAt + EXPIRY_GRACE_MS;
        return clock.now() > hopelessAt ? forget(due) : later(RETRY_MS, () => void pursueAgain(due));
      }
      const kept = await keep({ ...due, proposed: [...proposed.statements], proposedAt: clock.now() });
      return kept.ok ? pursueAgain(due) : later(RETRY_MS, () => void pursueAgain(due));
    }
    const opensAt = due.proposedAt + challenge.windowSeconds * 1_000 + WINDOW_SLACK_MS;
    if (clock.now() < opensAt) return later(opensAt - clock.now(), () => void pursueAgain(due));
    const closed = await closeReservation(ledger, witnessing, verify, due, {
      outcome: 'settled',
      chargeMicros,
      settlement,
      proposed: due.proposed,
      reasons: [],
      offer: null,
      release: null,
    });
    return closed.ok ? forget(due) : later(RETRY_MS, () => void pursueAgain(due));
  }

  /** One thing at a time for each job. */
  const turns = new Map<string, Promise<unknown>>();
  function inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
    const next = (turns.get(key) ?? Promise.resolve()).then(run);
    const over = next.then(
      () => undefined,
      () => undefined,
    );
    turns.set(key, over);
    void over.then(() => {
      if (turns.get(key) === over) turns.delete(key);
    });
    return next;
  }

  /** The next step of a job, from what is kept of it. Resolves at once: what a step calls itself must not wait for that very step. */
  async function pursueAgain(one: Due): Promise<void> {
    const key = keyOf(one.payer, one.jobId);
    const step = inTurn(key, async () => {
      const due = dueByJob.get(key);
      if (due) await pursue(due);
    });
    // What breaks is tried again like what failed.
    step.catch(() => later(RETRY_MS, () => void pursueAgain(one)));
  }

  async function takeAcknowledged(
    key: string,
    payer: NodeId,
    receipt: Signed,
    given: { readonly id: string; readonly acknowledged: boolean; readonly receipt: InferenceWorkReceipt },
  ): Promise<Result<boolean>> {
    const due = dueByJob.get(key);
    if (!due?.receipt || !given.acknowledged || given.receipt.payer !== payer)
      return fail('unknown_job', 'This node waits for no such receipt.');
    if (due.settlement !== null) return ok(false);
    const mine = await openWorkReceipt(due.receipt, verify);
    if (!mine.ok || mine.value.id !== given.id)
      return fail('receipt_mismatch', 'That is not the receipt that this node gave.');
    const written = await ledger.append({ kind: 'work.receipted', receipt });
    if (!written.ok) return written;
    const kept = await keep({ ...due, receipt: receipt as Due['receipt'] });
    if (!kept.ok) return kept;
    return ok(true);
  }

  /** What an earlier run of this node is still owed. */
  void (async () => {
    const unseen = await records.keys(unseenPrefix);
    for (const key of unseen.ok ? unseen.value : []) {
      const lost = await records.get<number>(key);
      if (lost.ok && typeof lost.value === 'number') unseenByJob.set(key.slice(unseenPrefix.length), lost.value);
    }
    const keys = await records.keys(prefix);
    for (const key of keys.ok ? keys.value : []) {
      const kept = await records.get<unknown>(key);
      const due = kept.ok ? checkAgainst(dueSchema, kept.value) : null;
      if (!due?.ok) continue;
      const job = key.slice(prefix.length);
      dueByJob.set(job, due.value);
      if (due.value.heads.length === 0) {
        const reserved = await openReservation(due.value.entry, verify);
        if (reserved.ok) unseenByJob.set(job, reserved.value.event.amountMicros);
      }
      void pursueAgain(due.value);
    }
  })();

  return {
    async take({ jobId, capability, input, payment }, payer) {
      const key = keyOf(payer, jobId);
      if (payment === undefined || policy === undefined) {
        const favours = [...running.values()].filter((one) => one === null).length;
        if (payer !== self && favours >= mostFavours())
          return fail('no_favours', 'This node does as much for nothing as it can.', 'busy');
        running.set(key, null);
        return ok({ kind: 'favour' });
      }
      const admitted = await admitPayment(payment, jobId, capability, input, payer);
      if (!admitted.ok) return admitted;
      const { reservation, amountMicros, heads } = admitted.value;
      if (released.has(reservation)) return refuse('This node let that reservation go.');
      // Counted here, where nothing comes in between: of several jobs at once each would find the others not there yet.
      if (heads.length === 0 && amountMicros + provisionalFrom(payer) > policy.provisionalCapMicros)
        return refuse('Too few witnesses saw the reservation.');
      running.set(key, admitted.value);
      return ok({ kind: 'paid', reservation });
    },
    async over(jobId, payer, done) {
      const key = keyOf(payer, jobId);
      const paid = running.get(key) ?? null;
      if (paid !== null && done !== null && paid.heads.length === 0) unseenByJob.set(key, paid.amountMicros);
      running.delete(key);
      if (paid === null || done === null) return;
      const { job, commitment, startedAt, tookMs } = done;
      const { tokens, model } = deps.countsOf(job);
      const due: Due = {
        v: 1,
        reservation: paid.reservation,
        entry: paid.entry as Due['entry'],
        heads: [...paid.heads] as Due['heads'],
        jobId,
        payer,
        offer: paid.offer as Due['offer'],
        commitment: commitment as Due['commitment'],
        receipt: null,
        work: {
          inputTokens: tokens?.prompt ?? 0,
          outputTokens: tokens?.completion ?? 0,
          wallTimeMs: tookMs,
          startedAt,
          // Of one measurement: a clock that is set in between makes no honest receipt contradict itself.
          completedAt: startedAt + tookMs,
          expert: model && { id: model.id, hash: model.hash },
          capability: job.commitment.capability,
          traceId: job.commitment.traceId,
        },
        settlement: null,
        proposed: [],
        proposedAt: null,
      };
      const kept = await keep(due);
      if (kept.ok) later(ACKNOWLEDGED_WITHIN_MS, () => void pursueAgain(due));
      else unseenByJob.delete(key);
    },
    async letGo(reservation) {
      if (isOwed(reservation)) return ok(false);
      released.add(reservation);
      const kept = await records.set(releasedKey(reservation), true);
      if (!kept.ok) released.delete(reservation);
      return kept.ok ? ok(true) : kept;
    },
    receiptFor: (payer, jobId, verdicts) =>
      inTurn(keyOf(payer, jobId), async () => {
        const due = dueByJob.get(keyOf(payer, jobId));
        if (!due) return fail('unknown_job', 'This node is owed nothing for that job.');
        // One receipt for one job: whoever asks again gets the same, whatever verdicts it brings.
        if (due.receipt !== null) return ok(due.receipt);
        const opened = await openVerdicts(verdicts, verify);
        if (!opened.ok) return fail('bad_verdict', opened.error.message, opened.error.message);
        if (!accepts(opened.value)) return fail('not_accepted', 'The verdicts do not accept the work.');
        const settlement = await settlementOf(due, await receiptOf(due, opened.value), verdicts);
        if (!settlement.ok) return fail(settlement.error.code, settlement.error.message, settlement.error.message);
        verdictsByJob.set(keyOf(payer, jobId), verdicts);
        const kept = await keep({ ...due, receipt: settlement.value.receipt });
        return kept.ok ? ok(settlement.value.receipt) : kept;
      }),
    async acknowledged(payer, receipt) {
      const opened = await openWorkReceipt(receipt, verify);
      if (!opened.ok) return opened;
      const key = keyOf(payer, opened.value.receipt.jobId);
      const taken = await inTurn(key, () => takeAcknowledged(key, payer, receipt, opened.value));
      const due = dueByJob.get(key);
      if (taken.ok && taken.value && due) void pursueAgain(due);
      return taken;
    },
    stop() {
      timers.stop();
    },
  };
}
