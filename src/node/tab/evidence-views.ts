import type { EventSource } from '#core/base/events';
import type { Result } from '#core/base/result';

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

export interface EvidenceDesk {
  readonly view: EvidenceView;
  readonly changed: EventSource<void>;
  /** True when the trace of the answer with this receipt is kept here; of an answer that has just come too. */
  keeps(receiptId: string): Promise<boolean>;
  /**
   * Seals what is known of a receipt: its trace where one is kept, the statements, the receipt with its signatures. The words of
   * question and answer go along only with `words`. Codes: `unknown_receipt`, `no_words`, those of `buildBundle`.
   */
  seal(receiptId: string, words: boolean): Promise<Result<SealedBundle>>;
  /** Deletes kept traces. Receipts stay. */
  forget(traceIds: readonly string[] | 'all'): Promise<Result<void>>;
}
