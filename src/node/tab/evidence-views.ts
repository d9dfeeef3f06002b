import type { EventSource } from '#core/base/events';
import type { Result } from '#core/base/result';
import type { RouteUpdate } from '#core/experts/route';
import type { PrivacyClass } from '#core/ledger/cards/card-fields';

/** What this device keeps of the person's own questions, and what comes of showing one to others. */
export interface EvidenceView {
  readonly kept: number;
  readonly sizeBytes: number;
}

/** A sealed bundle, ready to be handed to the person as one file. */
export interface SealedBundle {
  readonly fileName: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly withTrace: boolean;
  readonly withWords: boolean;
}

/** A request as its requester signed it, before anybody was asked. */
export interface TaskPacketView {
  readonly id: string;
  readonly prompt: string;
  /** What one executor may be paid at most; null where nothing is said. */
  readonly maxChargeMicros: number | null;
  readonly maxTokens: number | null;
  readonly privacyLevel: PrivacyClass;
  /** Epoch milliseconds by the requester's clock. */
  readonly at: number;
  readonly expiresAt: number;
  /** The signed packet as a file. */
  readonly text: string;
}

/** A question that was asked here, out of its trace. */
export interface AskedView {
  /** Every step of the answer, with its words; null where the trace has them no more. */
  readonly route: readonly RouteUpdate[] | null;
  /** Null where the question left this device unsigned; fails with a code of `openTaskPacket`. */
  readonly packet: Result<TaskPacketView | null>;
}

export interface EvidenceDesk {
  readonly view: EvidenceView;
  readonly changed: EventSource<void>;
  /** True when the trace of the answer with this receipt is kept here; of an answer that has just come too. */
  keeps(receiptId: string): Promise<boolean>;
  /**
   * What is kept of the answer with this receipt; null where nothing is kept here. Of an answer that several nodes were paid for, `traceId`
   * finds it by each receipt. Codes of storage, of the gate.
   */
  askedBy(receiptId: string, traceId: string | null): Promise<Result<AskedView | null>>;
  /**
   * Seals what is known of a receipt: its trace where one is kept, the statements, the receipt with its signatures. The words of
   * question and answer go along only with `words`. Codes: `unknown_receipt`, `no_words`, those of `buildBundle`.
   */
  seal(receiptId: string, words: boolean): Promise<Result<SealedBundle>>;
  /** Deletes kept traces. Receipts stay. */
  forget(traceIds: readonly string[] | 'all'): Promise<Result<void>>;
}
