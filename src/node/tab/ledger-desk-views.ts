import type { NodeId } from '#core/base/ids';
import type { Result } from '#core/base/result';
import type { Balance, Ruling } from '#core/ledger/ledger-state';
import type { ReceiptFact } from '#core/ledger/receipt-facts';
import type { Look } from '../economy/disputes';
import type { Charge } from './charge-of';
import type { WitnessView } from '../economy/witness-naming';
import type { ReceiptDetail } from '../tab-node';
import type { WorkReceiptView } from './work-receipt-view';

export type { Look, WitnessView };

/** What the logs held here come to, without reading any of them. */
export interface LedgerSummary {
  /** Content id of the newest own entry, null for an empty log. */
  readonly head: string | null;
  readonly ownEntries: number;
  /** Logs held, the own one included, and entries in all of them. */
  readonly logs: number;
  readonly entries: number;
  readonly unitsByNode: Readonly<Record<string, number>>;
}

/** A checkpoint that witnesses signed, with which this node began instead of replaying what came before. */
export interface LedgerBeginning {
  /** By the clock of the witness that made it. */
  readonly at: number;
  /** That it covers. */
  readonly entries: number;
  readonly signers: readonly NodeId[];
  /** Of these, how many are not here yet. */
  readonly missing: number;
}

/** A receipt as a list shows it: what the node keeps in memory anyway. */
export type ReceiptRow = Pick<
  ReceiptFact,
  'id' | 'at' | 'capability' | 'requester' | 'executor' | 'validators' | 'verdict' | 'units'
> & {
  /** A panel found the work wrong afterwards: it earns no units. */
  readonly foundWrong?: boolean;
};

/** What this node did: paid, worked, looked, put up a bond, gave or got a part of a limit, was credited anew. */
export type LineKind = 'paid' | 'earned' | 'checked' | 'bond' | 'granted' | 'received' | 'minted';

/**
 * `reserved`: set aside, nothing proposed yet; `waiting`: proposed, and may be challenged until its window ends; then how it ended.
 * `given` and `claimed` are of grants: whoever got one counts it from its claim on.
 */
export type LineState = 'reserved' | 'waiting' | 'settled' | 'void' | 'released' | 'expired' | 'given' | 'claimed';

/** One thing that changed what this node has, or will. */
export interface LedgerLine {
  /** Of the reservation, the grant or the mint. */
  readonly id: string;
  readonly kind: LineKind;
  /** Epoch milliseconds: when it ended, else when it began. */
  readonly at: number;
  /** The other side; null where there is none. */
  readonly with: NodeId | null;
  /** The capability that was paid for; null where it is not known, or none was. */
  readonly capability: string | null;
  /** Positive: to this node. Of the limit for grants, of the balance for everything else. */
  readonly amountMicros: number;
  /** True while it is not known yet what is charged: so much at most. */
  readonly atMost: boolean;
  readonly state: LineState;
  /** When the window ends (`waiting`) or the reservation (`reserved`); null where it is not known, or nothing ends. */
  readonly until: number | null;
  /**
   * Whether somebody said that the work is wrong, and what a panel made of it: `open` until it ruled; of several challenges the first
   * that was upheld counts. Of a bond, the challenge that it stands behind. Null: nobody did.
   */
  readonly challenge: 'open' | Ruling | null;
  readonly jobId: string | null;
  /** The receipt of the job, where one is held. */
  readonly receiptId: string | null;
}

/** Who signed for a line, as what. */
export interface LineSigner {
  readonly node: NodeId;
  readonly role: 'payer' | 'payee' | 'witness' | 'validator' | 'curator' | 'giver' | 'receiver';
}

/** Everything that stands in the log about one line. */
export interface LineDetail {
  readonly line: LedgerLine;
  readonly reservedMicros: number | null;
  readonly chargeMicros: number | null;
  /** Who is credited how much. */
  readonly credits: readonly { readonly node: NodeId; readonly micros: number }[];
  readonly signers: readonly LineSigner[];
  readonly verdicts: readonly {
    readonly validator: NodeId;
    readonly verdict: 'accepted' | 'rejected' | 'undecided';
    readonly reason: string;
  }[];
  /** What the charge was worked out from. */
  readonly price: {
    readonly tokens: number;
    readonly rateMicros: number;
    readonly minimumMicros: number;
  } | null;
  /** What the payee asks to be paid for; null where no work was done, or it is not held here. */
  readonly work: WorkReceiptView | null;
  /** The entry that holds it. */
  readonly entry: { readonly author: NodeId; readonly seq: number };
  readonly receipt: ReceiptDetail | null;
}

/** One thing that was worked out again in front of the person. */
export interface VerifyStep {
  readonly text: string;
  readonly good: boolean;
  /** Nodes that the text is about, shown after it. */
  readonly nodes: readonly NodeId[];
}

export interface LineVerification {
  readonly good: boolean;
  readonly steps: readonly VerifyStep[];
}

export interface ReplayProgress {
  readonly done: number;
  readonly total: number;
}

/** Two entries that one node signed for one place. */
export interface ForgerView {
  readonly node: NodeId;
  readonly seq: number;
  /** Content ids of both entries. */
  readonly entries: readonly [string, string];
}

/** What all held logs come to when they are read from nothing, beside what this node goes by. */
export interface LedgerAudit {
  readonly logs: number;
  readonly entries: number;
  /** Verified again, those inside of entries included. */
  readonly signatures: number;
  /** Both states said the same of every account, receipt, reservation, closing, grant and mint. */
  readonly same: boolean;
  /** How many things were held against each other. */
  readonly compared: number;
  /** The first of what differs, one sentence each. */
  readonly differences: readonly string[];
  /** Of the state worked out anew and of the one in use; null where the logs are too long to digest at once. */
  readonly digests: { readonly anew: string; readonly inUse: string } | null;
  /** All balances together, and all that was minted: equal, or credit came from nowhere. Null without an economy. */
  readonly supply: { readonly balancesMicros: number; readonly mintedMicros: number } | null;
  readonly refusals: readonly {
    readonly author: NodeId;
    readonly seq: number;
    readonly rule: string;
    readonly sentence: string;
  }[];
  /** Of which the first are listed. */
  readonly refusalCount: number;
  readonly forgers: readonly ForgerView[];
  /** Logs that wait for an entry of another that is not held here. */
  readonly waiting: readonly { readonly author: NodeId; readonly missingFrom: NodeId }[];
  readonly tookMs: number;
}

/** Paid work of other members that an evidence bundle lays open and that is not settled yet, or that somebody challenged. */
export interface ContestableWork {
  /** The reservation, under which `look` and `challenge` know it. */
  readonly id: string;
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly chargeMicros: number;
  /** What it was asked for came to an end: nothing can be challenged any more. */
  readonly closed: boolean;
  readonly challenge: LedgerLine['challenge'];
}

export interface LedgerRun<T> {
  readonly outcome: Promise<Result<T>>;
  cancel(): void;
}

/** The ledger as a person reads it and checks it. Bound to the community that the node is in. */
export interface LedgerDesk {
  summary(): LedgerSummary;
  /** Null where every log was read from its first entry. Storage codes. */
  beginning(): Promise<Result<LedgerBeginning | null>>;
  /** Null where members do not pay each other. */
  balance(): Balance | null;
  /** Newest first. */
  receipts(): readonly ReceiptRow[];
  receipt(id: string): ReceiptDetail | null;
  /** What was earned and spent and why, newest first. */
  lines(): Promise<readonly LedgerLine[]>;
  /** Codes `unknown_line`, `ledger_damaged`, storage codes. */
  line(id: string): Promise<Result<LineDetail>>;
  /** Reads the bytes of a line again, verifies all signatures, and replays everything that is held, telling each step. Codes `stopped`, `not_all_here`. */
  verifyLine(
    id: string,
    onStep: (step: VerifyStep) => void,
    onProgress: (progress: ReplayProgress) => void,
  ): LedgerRun<LineVerification>;
  /** What of a bundle with its words can still be challenged in this community, or was; from then on `look` takes the words from it. Codes of the bundle. */
  contestable(bundle: Uint8Array<ArrayBuffer>): Promise<Result<readonly ContestableWork[]>>;
  /**
   * Looks again, on this device, at work that can still be challenged: what this node paid for, or what a bundle laid open. Codes:
   * `unknown_line`, `no_words` where they are not kept here, those of `Disputes.look`.
   */
  look(id: string): Promise<Result<Look>>;
  /** Challenges it: puts up the bond and calls the panel. Codes as of `Disputes.challenge`. */
  challenge(id: string): Promise<Result<{ readonly panel: readonly NodeId[] }>>;
  /** What this node pays for jobs of its own; null where nothing was reserved for them. */
  charge(jobIds: readonly string[]): Charge | null;
  /** Null where members do not pay each other. */
  witnesses(): WitnessView | null;
  /** Names everyone eligible as a witness, in force an hour later. Codes: `not_the_founder`, `nobody_new`, those of the ledger. */
  nameWitnesses(): Promise<Result<void>>;
  /** Works out from nothing what all held logs come to. Codes `stopped`, `not_all_here`, `ledger_damaged`, storage codes. */
  audit(onProgress: (progress: ReplayProgress) => void): LedgerRun<LedgerAudit>;
}
