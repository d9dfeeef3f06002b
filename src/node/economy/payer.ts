import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import type { Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import type { Payments } from '#core/experts/run';
import { availableMicros } from '#core/ledger/account';
import type { Ledger } from '#core/ledger/ledger';
import type { OfferTerms } from '#core/ledger/offer-terms';
import { openVerdicts } from '#core/ledger/open-event';
import { REJECTIONS_THAT_VOID, voidCharge } from '#core/ledger/rules/closing-rules';
import { chargeFor } from '#core/ledger/rules/proposal-rules';
import { EXPIRY_GRACE_MS, rosterInForce } from '#core/ledger/witness-duty';
import { openWorkReceipt } from '#core/ledger/work-receipts';
import { addSignature, type Signed } from '#core/wire/signed';
import { paymentAcknowledge } from '#services/payment-acknowledge/contract';
import { paymentRelease } from '#services/payment-release/contract';
import { paymentSettle } from '#services/payment-settle/contract';
import type { Claims } from './claims';
import { closeReservation, rosterRefs, type Ending } from './closing';
import type { LedgerExchange } from './exchange';
import { createTimers, createTurns } from './timers';
import type { Witnessing } from './witnessing';

/**
 * Longer than any job takes and its check, and than its witnesses may be out of reach: work that was done in an hour in which the mesh
 * was cut can still be proposed. Past it what was set aside comes back.
 */
export const RESERVED_FOR_MS = 2 * 60 * 60_000;
/** An ending that could not be certified or written is tried again so much later. */
const RETRY_MS = 60_000;

/** An advertisement with what of it decides about money. */
export interface KnownOffer {
  readonly signed: Signed;
  readonly terms: OfferTerms;
}

export interface PayerDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly exchange: LedgerExchange;
  readonly witnessing: Witnessing;
  readonly claims: Claims;
  /** What a node asks for its work; null where it asks for nothing, or nothing valid is known. */
  readonly offerOf: (node: NodeId) => Promise<KnownOffer | null>;
  /** The most tokens that a request can come to. */
  readonly mostTokens: (capability: CapabilityId, input: unknown) => number;
}

interface OpenPayment {
  readonly reservation: string;
  readonly payee: NodeId;
  readonly offer: KnownOffer;
  readonly heads: readonly Signed[];
}

/** The side that pays: sets credit aside before work, agrees to what is charged, and gets back what is not. */
export interface Payer extends Payments {
  /** What a job would cost at most there; null where it costs nothing or cannot be paid. */
  price(node: NodeId, capability: CapabilityId, input: unknown): Promise<number | null>;
  stop(): void;
}

const NOTHING: Omit<Ending, 'outcome'> = {
  chargeMicros: 0,
  settlement: null,
  proposed: [],
  reasons: [],
  offer: null,
  release: null,
};

export function createPayer(deps: PayerDeps): Payer {
  const { signer, verify, clock, bus, ledger, exchange, witnessing, claims } = deps;
  const self = signer.nodeId;
  const policy = ledger.community.economy;
  const openByJob = new Map<string, OpenPayment>();
  const timers = createTimers(clock);
  const { later } = timers;
  /** Spending is one after the other: each reservation counts on what the one before left. */
  const inTurn = createTurns();

  /** What was promised without a certificate and did not end yet. */
  const provisionalMicros = (): number =>
    [...openByJob.values()].reduce(
      (sum, { reservation, heads }) =>
        sum + (heads.length > 0 ? 0 : (ledger.state.reservationsById.get(reservation)?.amountMicros ?? 0)),
      0,
    );

  async function priceOf(node: NodeId, capability: CapabilityId, input: unknown) {
    if (policy === undefined || ledger.state.bannedFrom.has(node)) return null;
    const offer = await deps.offerOf(node);
    if (offer === null || !offer.terms.taskClasses.includes(capability)) return null;
    if (offer.terms.expiresAt <= clock.now() || offer.terms.node !== node) return null;
    const amountMicros = chargeFor(offer.terms, deps.mostTokens(capability, input));
    return amountMicros > 0 && Number.isSafeInteger(amountMicros) ? { offer, amountMicros } : null;
  }

  async function reserveNow({ jobId, expert, capability, input, payAtMostMicros }: Parameters<Payments['reserve']>[0]) {
    const price = await priceOf(expert, capability, input);
    if (price === null || price.amountMicros > payAtMostMicros) return null;
    const { offer, amountMicros } = price;
    if (availableMicros(ledger.state.accountOf(self)) < amountMicros) {
      await claims.sweep();
      if (availableMicros(ledger.state.accountOf(self)) < amountMicros) return null;
    }
    const roster = rosterInForce(ledger.state, clock.now());
    const written = await ledger.append(
      {
        kind: 'reservation.made',
        purpose: 'work',
        jobId,
        payee: expert,
        offer: offer.terms.id,
        amountMicros,
        expiresAt: clock.now() + RESERVED_FOR_MS,
        idempotencyKey: jobId,
        roster,
      },
      rosterRefs(ledger, roster),
    );
    if (!written.ok) return null;
    const { id, seq } = written.value;
    const stands = ledger.state.reservationsById.has(id);
    if (!stands) return null;
    // Whatever becomes of it from here on, it comes back when it has expired.
    later(RESERVED_FOR_MS + EXPIRY_GRACE_MS, () => void endExpired(id));
    const [heads, brought] = await Promise.all([
      witnessing.certifyHead({ author: self, seq, id }, witnessing.setFor(self, roster)),
      exchange.bring(expert),
    ]);
    const certified = heads.complete ? heads.statements : [];
    const bearable = heads.complete || amountMicros + provisionalMicros() <= policy!.provisionalCapMicros;
    const entry = await ledger.bytesOf(self, seq, 1);
    if (!entry.ok) return null;
    openByJob.set(jobId, { reservation: id, payee: expert, offer, heads: certified });
    if (!brought.ok || !bearable) {
      release(jobId);
      return null;
    }
    return { payment: { reservation: entry.value[0]!, heads: certified }, atMostMicros: amountMicros };
  }

  /** Tries until it is certified, or somebody else ended it. */
  async function end(reservation: string, ending: Ending, heads: readonly Signed[]): Promise<void> {
    if (timers.stopped || ledger.state.closingByReservation.has(reservation)) return;
    const seq = ledger.state.reservationsById.get(reservation)?.seq;
    const entry = seq === undefined ? null : await ledger.bytesOf(self, seq, 1);
    if (!entry?.ok) return;
    const reserved = { entry: entry.value[0]!, heads };
    // Whether witnesses are away, the disk is full or something breaks: what was set aside must come back.
    const closed = await closeReservation(ledger, witnessing, verify, reserved, ending).catch(() => null);
    if (closed?.ok !== true) later(RETRY_MS, () => void end(reservation, ending, heads));
  }

  const endExpired = (reservation: string): Promise<void> => end(reservation, { ...NOTHING, outcome: 'expired' }, []);

  async function askForRelease(payment: OpenPayment): Promise<void> {
    const { reservation, payee, heads } = payment;
    const released = await bus.call(paymentRelease, { reservation }, { provider: payee });
    // Who is silent or says no is waited for until the reservation expires.
    if (!released.ok) return;
    await end(reservation, { ...NOTHING, outcome: 'released', release: released.value.release }, heads);
  }

  function release(jobId: string): void {
    const payment = openByJob.get(jobId);
    if (!payment) return;
    openByJob.delete(jobId);
    void askForRelease(payment);
  }

  async function voidWork(payment: OpenPayment, verdicts: readonly Signed[]): Promise<void> {
    const { reservation, offer, heads } = payment;
    const opened = await openVerdicts(verdicts, verify);
    if (!opened.ok) return;
    const reasons = verdicts.filter((_, at) => opened.value[at]!.verdict.verdict === 'rejected');
    // One voice is no proof for others: then nobody is paid, and whoever did the work is asked to let the credit go.
    if (reasons.length < REJECTIONS_THAT_VOID) return askForRelease(payment);
    const chargeMicros = voidCharge(policy!, offer.terms.minimumMicros, reasons.length);
    await end(reservation, { ...NOTHING, outcome: 'void', chargeMicros, reasons, offer: offer.signed }, heads);
  }

  async function acknowledge(jobId: string, { payee, offer }: OpenPayment, verdicts: readonly Signed[]): Promise<void> {
    const told = await bus.call(paymentSettle, { jobId, verdicts: [...verdicts] }, { provider: payee });
    if (!told.ok) return;
    const opened = await openWorkReceipt(told.value.receipt, verify);
    if (!opened.ok) return;
    const { receipt } = opened.value;
    const charge = chargeFor(offer.terms, receipt.work.inputTokens + receipt.work.outputTokens);
    // A charge that is not what was agreed gets no signature; what the ledger then makes of it is by its rules.
    if (receipt.jobId !== jobId || receipt.payer !== self || receipt.chargeMicros !== charge) return;
    const signed = await addSignature(signer, told.value.receipt);
    const written = await ledger.append({ kind: 'work.receipted', receipt: signed });
    if (written.ok) await bus.call(paymentAcknowledge, { receipt: signed }, { provider: payee });
  }

  /** What an earlier run left open comes back when it has expired. */
  for (const one of ledger.state.reservationsById.values()) {
    if (one.payer !== self || ledger.state.closingByReservation.has(one.id)) continue;
    const delayMs = Math.max(0, one.expiresAt + EXPIRY_GRACE_MS - clock.now());
    later(delayMs, () => void endExpired(one.id));
  }

  return {
    price: async (node, capability, input) => (await priceOf(node, capability, input))?.amountMicros ?? null,
    reserve: (job) => inTurn(() => reserveNow(job)),
    release,
    settle({ jobId, verdicts, verdict }) {
      const payment = openByJob.get(jobId);
      if (!payment) return;
      if (verdict === 'accepted') {
        openByJob.delete(jobId);
        void acknowledge(jobId, payment, verdicts);
      } else if (verdict === 'rejected') {
        openByJob.delete(jobId);
        void voidWork(payment, verdicts);
      } else release(jobId);
    },
    stop() {
      timers.stop();
    },
  };
}
