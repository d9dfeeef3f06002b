import type { NodeId } from '#core/base/ids';
import type { Result } from '#core/base/result';
import type { EvidenceGraph, GraphClaim, GraphCounts } from '#core/evidence/graph/build-graph';
import type { Provenance } from '#core/evidence/graph/provenance';

/** What the logs held here say of evidence. */
export interface GraphView {
  /** Ascending by id. */
  readonly claims: readonly GraphClaim[];
  readonly counts: GraphCounts;
  readonly refusals: EvidenceGraph['refusals'];
  /** Members hold each other's logs only where they pay each other; elsewhere this shows what was said on this device alone. */
  readonly ownLogOnly: boolean;
  /** How many further statements of this node would count. */
  readonly statementsLeft: number;
}

/** What this node knows of a content id. */
export type KnownEvidence =
  | {
      readonly kind: 'receipt';
      readonly capability: string;
      readonly verdict: 'unchecked' | 'accepted' | 'rejected' | 'disputed';
      readonly executor: NodeId;
      readonly at: number;
    }
  | { readonly kind: 'reservation'; readonly payer: NodeId; readonly payee: NodeId }
  | { readonly kind: 'proposal' }
  | { readonly kind: 'unknown' };

/** Something that a claim may be about, as a person chooses it. */
export interface ChoosableReceipt {
  readonly id: string;
  readonly capability: string;
  readonly verdict: 'unchecked' | 'accepted' | 'rejected' | 'disputed';
  readonly executor: NodeId;
  readonly at: number;
}

/**
 * What members say of evidence, and saying something. Statements go into this node's own log: others get them as they get the rest of
 * it. Codes when something is said: the names of the rules that it would break, `author_full`, those of the ledger.
 */
export interface GraphDesk {
  readonly view: GraphView;
  /** Takes in what came since the last reading. Codes: `ledger_damaged`, storage codes. */
  read(): Promise<Result<GraphView>>;
  /** The id of the claim. */
  claim(text: string, about: readonly string[]): Promise<Result<string>>;
  attest(claim: string, evidence: readonly string[]): Promise<Result<string>>;
  dispute(claim: string, reason: string, evidence: readonly string[]): Promise<Result<string>>;
  /** Codes `bad_depth`, `unknown_id`. */
  provenance(id: string, depth: number): Result<Provenance>;
  known(id: string): KnownEvidence;
  /** The newest receipts held here. */
  receipts(): readonly ChoosableReceipt[];
  /** The content id of an evidence bundle: that of its table of contents, which commits to every byte. Codes of `bundleIdOf`. */
  bundleId(file: Uint8Array<ArrayBuffer>): Promise<Result<string>>;
}
