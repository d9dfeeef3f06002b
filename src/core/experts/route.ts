import type { CapabilityId } from '../bus/capability';
import type { NodeId } from '../base/ids';

export type Verdict = 'unchecked' | 'accepted' | 'rejected' | 'disputed';
export type CheckKind = 'none' | 'redo' | 'rescore' | 'outcome';

/** Why the router chose as it did: one sentence per reason, ready for a person, and the figures behind it. */
export interface RouteReason {
  readonly text: string;
  readonly value: number | null;
}

/** What a validator decided, as it signed it. */
export interface CheckedBy {
  readonly validator: NodeId;
  readonly verdict: 'accepted' | 'rejected' | 'undecided';
  readonly reason: string;
  /** The figures behind it, where tokens were looked at; `ms` is what the check took as the requester saw it. */
  readonly evidence?: CheckEvidence;
}

/** How a check looked at an answer; see `evidenceSchema` in ledger/statements. */
export interface CheckEvidence {
  readonly positions: number;
  readonly length: number;
  readonly gross: number;
  readonly soft: number;
  readonly clippedMilli: number;
  readonly worstMilli: number;
  readonly engine: string;
  readonly ms: number;
  /** Position and margin in hundredths of a logit (255: that much or more) of every token looked at; empty when not told. */
  readonly margins: readonly (readonly [position: number, hundredths: number])[];
}

/**
 * Everything that the pipeline does for one request, in order, as plain data. The interface, the trace and the replay
 * consume this same stream. `at` is milliseconds since the request was made.
 */
export type RouteUpdate =
  | { readonly type: 'admitted'; readonly traceId: string; readonly capability: CapabilityId; readonly at: number }
  | { readonly type: 'chosen'; readonly expert: NodeId; readonly reasons: readonly RouteReason[]; readonly at: number }
  | { readonly type: 'started'; readonly expert: NodeId; readonly jobId: string; readonly at: number }
  /** Credit was set aside for that job; at most so much is charged. Jobs without it are done for nothing. */
  | {
      readonly type: 'reserved';
      readonly expert: NodeId;
      readonly jobId: string;
      readonly atMostMicros: number;
      readonly at: number;
    }
  | {
      readonly type: 'token';
      readonly expert: NodeId;
      readonly ids: readonly number[];
      readonly text: string;
      readonly at: number;
    }
  | {
      readonly type: 'replaced';
      readonly from: NodeId;
      readonly to: NodeId;
      readonly atToken: number;
      readonly reason: string;
      readonly at: number;
    }
  | ({ readonly type: 'checked'; readonly at: number } & CheckedBy)
  | {
      readonly type: 'combined';
      readonly verdict: Verdict;
      readonly check: CheckKind;
      /** Whose answer stands. */
      readonly expert: NodeId;
      /** How many answered, and how many of them agree with it. */
      readonly answers: number;
      readonly agreeing: number;
      readonly at: number;
    }
  /** What a model of another family made of what the answer says. */
  | {
      readonly type: 'audited';
      readonly auditor: NodeId;
      readonly family: string;
      readonly finding: AuditFinding;
      readonly at: number;
    }
  | { readonly type: 'sealed'; readonly traceId: string; readonly sealId: string; readonly at: number }
  | { readonly type: 'recorded'; readonly receiptId: string; readonly at: number };

/** Whether an answer may be shown, by one auditor; `unsure` where it could not tell. */
export type AuditFinding = 'allow' | 'deny' | 'unsure';

export interface ContentAudit {
  /** `undecided`: fewer than two who could tell agreed. */
  readonly outcome: 'allowed' | 'denied' | 'undecided';
  readonly auditors: readonly NodeId[];
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly firstTokenMs: number;
  readonly totalMs: number;
  readonly tokensPerSecond: number;
}

export interface Answer {
  readonly text: string;
  readonly model: string;
  readonly experts: readonly NodeId[];
  readonly validators: readonly NodeId[];
  readonly verdict: Verdict;
  readonly check: CheckKind;
  readonly receiptId: string;
  readonly receiptIds: readonly string[];
  readonly traceId: string;
  readonly usage: Usage;
  /** How many answered, and how many of them agree with the answer. */
  readonly answers: number;
  readonly agreeing: number;
  /** Null where nobody was asked to audit what it says. */
  readonly audit: ContentAudit | null;
  /** The most that was set aside for it; 0 for what is done for nothing. */
  readonly atMostMicros: number;
}
