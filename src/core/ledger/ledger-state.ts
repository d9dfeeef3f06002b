import type { NodeId } from '../base/ids';
import type { Account } from './account';
import type { OfferTerms } from './offer-terms';
import type { Carrier, ReceiptFacts } from './receipt-facts';
import type { ProposedSettlement } from './rules/dispute-rules';
import type { PaidLook } from './rules/looking-rules';
import type { ReservedWork } from './rules/proposal-rules';
import type { NamedRoster, Outcome } from './witnesses';

/** A reservation and what became of it. */
export interface ReservationState extends ReservedWork {
  readonly seq: number;
  readonly roster: string | null;
  /** The proposal that kept all rules: its payee makes one. */
  readonly proposal: string | null;
}

/** How a reservation ended: of several valid closings the one with the lowest content id. */
export interface ClosingState {
  /** Content id of the event, the same in every log that holds it. */
  readonly id: string;
  readonly reservation: string;
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly jobId: string;
  readonly purpose: 'work' | 'bond';
  readonly outcome: Outcome;
  readonly chargeMicros: number;
  readonly reservedMicros: number;
  /** Who is credited how much, ascending by node: together exactly the charge. */
  readonly credits: readonly { readonly node: NodeId; readonly micros: number }[];
  /** The latest of the witnesses' clocks. */
  readonly at: number;
  /** An entry that holds it. */
  readonly carrier: Carrier;
}

export interface GrantState {
  readonly id: string;
  readonly from: NodeId;
  readonly seq: number;
  readonly to: NodeId;
  readonly amountMicros: number;
  readonly at: number;
}

export interface MintState {
  readonly id: string;
  readonly key: string;
  readonly to: NodeId;
  readonly amountMicros: number;
  readonly at: number;
  readonly carrier: Carrier;
}

export interface ChallengeState {
  readonly id: string;
  readonly proposal: string;
  readonly challenger: NodeId;
  readonly bond: string;
}

/** A validator's receipt for looking at work, as it stands in the validator's own log. */
export interface VerificationState {
  /** Content id of the receipt. */
  readonly id: string;
  /** The reservation from which it was paid. */
  readonly reservation: string;
  readonly validator: NodeId;
  readonly seq: number;
}

/** What a panel found of a challenge. */
export type Ruling = 'upheld' | 'dismissed';

/** An event that broke a rule: it stays in its log and changes nothing. */
export interface Refusal {
  readonly entry: string;
  readonly author: NodeId;
  readonly seq: number;
  readonly rule: string;
  readonly sentence: string;
}

/** Balances of one account. `confirmed` is final; nothing pending is ever spent. */
export interface Balance {
  readonly confirmedMicros: number;
  /** Proposed settlements that would be credited here and are not closed. */
  readonly pendingMicros: number;
  /** Set aside for work under way. */
  readonly reservedMicros: number;
  readonly limitMicros: number;
  /** What can be promised now, by what stands in the node's own log. */
  readonly availableMicros: number;
}

/** What the logs of a community mean: views of the fold, read only. */
export interface LedgerState extends Pick<
  ReceiptFacts,
  'receiptsById' | 'creditedByWork' | 'unitsByNode' | 'workByNode' | 'isDiscredited'
> {
  readonly reservationsById: ReadonlyMap<string, ReservationState>;
  /** By reservation. */
  readonly closingByReservation: ReadonlyMap<string, ClosingState>;
  readonly grantsById: ReadonlyMap<string, GrantState>;
  /** By what is minted for; of several the one with the lowest id. */
  readonly mintByKey: ReadonlyMap<string, MintState>;
  readonly proposalsById: ReadonlyMap<string, ProposedSettlement>;
  /** By content id of the advertisement. */
  readonly offersById: ReadonlyMap<string, OfferTerms>;
  readonly challengesById: ReadonlyMap<string, ChallengeState>;
  /** By bond, the challenge that it stands behind. */
  readonly challengeByBond: ReadonlyMap<string, string>;
  /** Challenges to work that is to be paid from a reservation. */
  challengesOf(reservation: string): readonly ChallengeState[];
  /** A validator's receipt for looking at the work of a reservation; null where none is known. */
  verificationOf(reservation: string, validator: NodeId): VerificationState | null;
  /** By reservation and validator, in this order. */
  readonly verifications: ReadonlyMap<string, VerificationState>;
  /** What this node was paid for looking at, by its own log, and has no receipt for there. */
  unreceiptedLooksOf(node: NodeId): readonly PaidLook[];
  /** Who would judge a challenge of that node to a proposal; nobody where the proposal is not known. */
  panelOf(proposal: string, challenger: NodeId): readonly NodeId[];
  /** By challenge. */
  readonly rulings: ReadonlyMap<string, Ruling>;
  /**
   * Challenges as rulings on them came, again where one was dismissed first and then upheld. It only grows, so whoever remembers how long
   * it was finds what is new. No fact of the logs: another order of arrival gives another order here.
   */
  readonly ruledInTurn: readonly string[];
  readonly refusals: readonly Refusal[];
  /** The first position at which each forger signed twice. */
  readonly bannedFrom: ReadonlyMap<NodeId, number>;
  /** Everything that was ever minted and counts: what all balances come to. */
  readonly supplyMicros: number;
  /** The latest naming of witnesses; null for those of the manifest. */
  readonly roster: NamedRoster | null;
  /** Everything that the founder named as witnesses, by entry. */
  readonly rostersById: ReadonlyMap<string, NamedRoster>;
  readonly maxLamport: number;
  /** Whether the node's log says that it joined the community, and did not leave it since. */
  isHere(node: NodeId): boolean;
  accountOf(node: NodeId): Account;
  balanceOf(node: NodeId): Balance;
  /** Everyone who has, owes or could spend anything, ascending. */
  readonly accountHolders: readonly NodeId[];
  /** What credits this node, or ends a reservation of it, and does not stand in its own log yet. */
  unclaimedBy(node: NodeId): { readonly grants: readonly string[]; readonly reservations: readonly string[] };
  /** SHA-256 in hex over all that the entries mean: equal for equal sets of entries, whatever their order. */
  digest(): string;
}
