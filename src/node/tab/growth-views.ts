import type { NodeId } from '#core/base/ids';
import type { Failure, Result } from '#core/base/result';
import type { TeacherPolicyCard, TeacherPolicyDraft } from '#core/ledger/cards/teacher-policy';
import type { Contribution, SkillContribution } from '#core/ledger/growth/contribution-receipt';
import type { Finding } from '#core/ledger/growth/finding';
import type { ContributionKind, Delta, FindingReceipt, Source } from '#core/ledger/growth/growth-fields';

/**
 * How far a contribution came: `declared`, others look at it; `found`, enough of them found it true for a receipt; `receipted`, with what
 * was found; `approved`, enough curators agreed; `minted`. `elsewhere`: credit for the same content went to somebody else.
 */
export type ContributionStage = 'declared' | 'found' | 'receipted' | 'approved' | 'minted' | 'elsewhere';

/** What others found about one of the receipts that a contribution needs. */
export interface NeededReceipt {
  readonly receipt: FindingReceipt;
  /** Whether its findings carry figures. */
  readonly measures: boolean;
  readonly findings: readonly Finding[];
}

export interface GivenContribution {
  readonly id: string;
  readonly stage: ContributionStage;
  readonly contribution: Contribution | SkillContribution;
  readonly teachers: readonly TeacherPolicyCard[];
  readonly at: number;
  readonly own: boolean;
  /** Whether its file lies on this device, and others can fetch it from here. */
  readonly fileHere: boolean;
  readonly needed: readonly NeededReceipt[];
  /** How many others must accept it, for each of these. */
  readonly verifiersNeeded: number;
  /** The first rule that a receipt made now would break. */
  readonly fault: Failure | null;
  /** What it comes to by what was found up to now; nothing of it exists before it is minted. */
  readonly worthMicros: number;
  readonly receipt: {
    readonly id: string;
    readonly fault: Failure | null;
    readonly worthMicros: number;
    readonly at: number;
    /** Whether the logs of those whom this node hears hold what it rests on: a receipt may carry what no log does. */
    readonly borneOut: boolean;
  } | null;
  /** Curators who approved the receipt. */
  readonly approvedBy: readonly NodeId[];
  /** What was minted for this content, to whomever. */
  readonly minted: { readonly to: NodeId; readonly amountMicros: number; readonly at: number } | null;
}

export interface TermsView {
  /** Content id of the signed policy. */
  readonly id: string;
  readonly policy: TeacherPolicyCard;
}

export interface GrowthView {
  /** The latest first. */
  readonly contributions: readonly GivenContribution[];
  /** Terms of teachers as members read them, the latest first. */
  readonly terms: readonly TermsView[];
  /** Null where this community mints nothing. */
  readonly mint: { readonly curators: readonly NodeId[]; readonly needed: number } | null;
  /** Members hold each other's logs only where they pay each other; elsewhere nobody else sees what is said here. */
  readonly ownLogOnly: boolean;
  /** How many further statements of this node would count. */
  readonly statementsLeft: number;
  /** How many statements of others were left out for want of room. */
  readonly leftOut: number;
  /** Hashes of files that are kept here and belong to no contribution that is shown. */
  readonly strayFiles: readonly string[];
}

/** Work of this node that can show a skill. */
export interface ShownWork {
  /** Content id of its receipt. */
  readonly id: string;
  readonly capability: string;
  readonly requester: NodeId;
  readonly at: number;
}

/** What a person says of what they give; the rest follows from its kind. */
export interface ContributionDraft {
  readonly kind: ContributionKind;
  readonly title: string;
  readonly content: Contribution['content'];
  readonly source: Omit<Source, 'teacherPolicies'>;
  /** Ids of terms that others read. */
  readonly terms: readonly string[];
  readonly use: Contribution['use'];
  /** What is asked for it when it is as good as was to be expected. */
  readonly baseMicros: number;
  readonly adoptionCriterion: string;
  readonly killCriterion: string;
  readonly delta: Delta;
  /** That no model of others was distilled for it without leave. */
  readonly undistilled: boolean;
  /** Work that shows a skill; empty for other kinds. */
  readonly executions: readonly string[];
  /** The contract of a skill; null for other kinds, and for a skill without one. */
  readonly skill: SkillContribution['skill'] | null;
}

export type FoundDraft = Pick<Finding, 'receipt' | 'verdict' | 'delta' | 'qualityMilli' | 'evidence'>;

/**
 * What members give besides work, what others found about it, and what is minted for it. Everything is said in this node's own log:
 * others get it as they get the rest of it, and nothing is written that everybody would refuse. Codes of each: `author_full`, those of
 * the ledger.
 */
export interface GrowthDesk {
  readonly view: GrowthView;
  /** Takes in what came since the last reading. Codes: `ledger_damaged`, storage codes. */
  read(): Promise<Result<GrowthView>>;
  /**
   * The id of the contribution. With its file others can fetch that from this device. Codes: rules of contributions, `malformed`,
   * `statement_too_long`, `unknown_terms`, `unknown_receipt`, `minted_twice`, `file_private`, those of
   * `ContributionFiles.keep`.
   */
  declare(draft: ContributionDraft, file: Uint8Array<ArrayBuffer> | null): Promise<Result<string>>;
  /**
   * The file of a contribution, from here or from whoever holds it; it is kept for others from then on. Codes of
   * `ContributionFiles.fetch`, `unknown_contribution`, `file_private`.
   */
  fetchFile(id: string): Promise<Result<Uint8Array<ArrayBuffer>>>;
  /** Others can fetch the file of an own contribution from this device. Codes of `ContributionFiles.keep`, `unknown_contribution`, `file_private`. */
  offerFile(id: string, file: Uint8Array<ArrayBuffer>): Promise<Result<void>>;
  /** Nobody can fetch the file of this hash from this device any more. */
  letFileGo(hash: string): Promise<Result<void>>;
  /** Codes: `unknown_contribution`, `judges_own_contribution`, `gain_not_measured`, `receipt_not_needed`, `malformed`. */
  find(id: string, found: readonly FoundDraft[]): Promise<Result<void>>;
  /** Signs the receipt of an own contribution with what was found. Codes: rules of contributions, `unknown_contribution`. */
  receipt(id: string): Promise<Result<string>>;
  /**
   * As a curator. Codes: `minting_off`, `not_a_curator`, `no_receipt`, `approves_own`, `approved_already`, `minted_twice`, `worth_nothing`,
   * `more_than_found`, rules of contributions (by the receipt, and by what was found up to now).
   */
  approve(id: string): Promise<Result<void>>;
  /** Takes what curators approved. Codes: rules of mints, `no_receipt`, `unknown_contribution`. */
  mint(id: string): Promise<Result<void>>;
  /** Signs the terms of a teacher as this person read them. The id of the policy; `malformed`. */
  readTerms(draft: Omit<TeacherPolicyDraft, 'at'>): Promise<Result<string>>;
  /** Accepted work of this node for others, the newest first. */
  shownWork(): readonly ShownWork[];
}
