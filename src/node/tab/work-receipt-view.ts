import { hex } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Settlement } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import type { LedgerState } from '#core/ledger/ledger-state';
import { openSettlement, type OpenedEntry, type OpenedSettlement } from '#core/ledger/open-event';
import type { InferenceWorkReceipt } from '#core/ledger/work-receipts';
import { idOfSigned } from '#core/wire/signed';
import { findEntry } from '../economy/find-entry';
import { verifiedBefore } from '#core/ledger/verified-before';

/** The receipt of one paid job as a person reads it, with what those who looked at the work were paid. */
export interface WorkReceiptView {
  /** Content id. */
  readonly id: string;
  readonly traceId: string;
  /** The reservation that pays: it can be spent once. */
  readonly spendKey: string;
  /** Salted SHA-256 of question and answer, in hex. */
  readonly inputHash: string;
  readonly outputHash: string;
  /** Content id of what the executor committed to before anybody looked. */
  readonly commitment: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly chargeMicros: number;
  /** Epoch milliseconds, by the clock of the node that did the work. */
  readonly startedAt: number;
  readonly completedAt: number;
  readonly windowSeconds: number;
  readonly methods: InferenceWorkReceipt['challenge']['methods'];
  /** Whether the payer signed it too. */
  readonly acknowledged: boolean;
  readonly checks: readonly {
    readonly validator: NodeId;
    /** Content id of its verdict. */
    readonly verdict: string;
    /** Its part of the charge; null while nothing is paid. */
    readonly paidMicros: number | null;
    /** Its receipt for that, and where in its own log it stands; null while it has none that is known here. */
    readonly receipt: { readonly id: string; readonly seq: number } | null;
  }[];
}

/** What a payee asks to be paid for, as it was signed and as it was opened. */
export interface WorkBehind {
  readonly signed: Settlement;
  readonly opened: OpenedSettlement;
}

/**
 * The settlement that a line rests on: of the entry that closed it, else of the proposal that the payee wrote. Null where there is none,
 * and where that proposal is not found on this device.
 */
export async function workBehind(
  ledger: Ledger,
  lineId: string,
  { event, inside }: OpenedEntry,
): Promise<WorkBehind | null> {
  if (event.kind === 'settlement.closed' && event.settlement !== null && inside.kind === 'closing' && inside.settlement)
    return { signed: event.settlement, opened: inside.settlement };
  const reservation = ledger.state.reservationsById.get(lineId);
  if (reservation == null || reservation.proposal === null) return null;
  const proposed = (await findEntry(ledger, reservation.payee, reservation.proposal))?.event;
  if (proposed?.kind !== 'settlement.proposed') return null;
  const opened = await openSettlement(proposed.settlement, verifiedBefore);
  return opened.ok ? { signed: proposed.settlement, opened: opened.value } : null;
}

/** The receipt in it, and what became of it by a state of the ledger. */
export function workReceiptView(
  { signed, opened }: WorkBehind,
  { closingByReservation, verificationOf }: Pick<LedgerState, 'closingByReservation' | 'verificationOf'>,
): WorkReceiptView {
  const { work, commitments, challenge, duplicateSpend, chargeMicros } = opened.receipt;
  const credits = closingByReservation.get(duplicateSpend.spendKey)?.credits ?? [];
  return {
    id: idOfSigned(signed.receipt),
    traceId: commitments.routeTraceId,
    spendKey: duplicateSpend.spendKey,
    inputHash: hex(commitments.input),
    outputHash: hex(commitments.output),
    commitment: commitments.commitment,
    inputTokens: work.inputTokens,
    outputTokens: work.outputTokens,
    chargeMicros,
    startedAt: work.startedAt,
    completedAt: work.completedAt,
    windowSeconds: challenge.windowSeconds,
    methods: challenge.methods,
    acknowledged: opened.acknowledged,
    checks: opened.verdicts.map(({ id, verdict: { validator } }) => {
      const receipt = verificationOf(duplicateSpend.spendKey, validator);
      return {
        validator,
        verdict: id,
        paidMicros: credits.find(({ node }) => node === validator)?.micros ?? null,
        receipt: receipt && { id: receipt.id, seq: receipt.seq },
      };
    }),
  };
}
