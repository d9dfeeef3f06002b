import type { NodeId } from '../../base/ids';
import { createLeast } from '../../base/least';
import type { Failure } from '../../base/result';
import { idOfSigned, type Signed } from '../../wire/signed';
import type { TeacherPolicyCard } from '../cards/teacher-policy';
import { giversOf } from '../rules/contribution-rules';
import type { Contribution, SkillContribution } from './contribution-receipt';
import type { Finding } from './finding';
import { MEASURING_RECEIPT, receiptsNeededBy } from './growth-fields';
import type { OpenedGrowthStatement } from './growth-statement';
import type { MintApproval } from '../mint-approval';
import { faultOf, mintKeyOf, mintMicros, type OpenedContributionReceipt } from './open-contribution';

/** The first statements and receipts of one author that count; who says more is not heard further, so that one log cannot fill what everybody keeps. */
export const MAX_GROWTH_STATEMENTS_PER_AUTHOR = 256;
/** The same of whom this node trusts to say much: itself, and the curators, who have something to say of every contribution. */
export const MAX_TRUSTED_STATEMENTS_PER_AUTHOR = 8_192;
/** What is kept in all of everybody else: 1 KB each as a rule, 32 KiB at most. */
export const MAX_GROWTH_STATEMENTS = 4_096;
/** Findings that one receipt holds; see `contributionReceiptSchema`. */
const MAX_FINDINGS = 20;

/** Where a statement stands: its id is that of its entry. */
export interface GrowthPlace {
  readonly id: string;
  readonly author: NodeId;
  readonly seq: number;
  /** The author's clock. */
  readonly at: number;
}

type Said =
  | OpenedGrowthStatement
  | { readonly kind: 'receipt'; readonly signed: Signed; readonly opened: OpenedContributionReceipt };

interface Counted extends GrowthPlace {
  readonly rank: number;
  readonly said: Said;
  /** Of what gives something, what is minted once for it. */
  readonly mintKey: string | null;
}

export interface SignedFinding {
  readonly signed: Signed;
  readonly finding: Finding;
}

/** One contribution with everything that was said of it. */
export interface DeclaredContribution {
  readonly id: string;
  readonly contribution: Contribution | SkillContribution;
  readonly teachers: readonly TeacherPolicyCard[];
  readonly at: number;
  /**
   * Of each verifier the latest about each receipt that the contribution needs, as far as a receipt may hold it; what rejects before
   * what accepts, so that nobody's objection is crowded out.
   */
  readonly findings: readonly SignedFinding[];
  /** The first rule that a receipt with these findings would break. */
  readonly fault: Failure | null;
  /** What such a receipt comes to. */
  readonly worthMicros: number;
  /** What is minted once. */
  readonly mintKey: string;
  /** The latest receipt in the contributor's log. */
  readonly receipt: {
    readonly id: string;
    readonly signed: Signed;
    readonly fault: Failure | null;
    readonly worthMicros: number;
    readonly at: number;
  } | null;
  /** Of that receipt, each for what it comes to; one of each who approved, ascending. Whether they are curators is not looked at. */
  readonly approvals: readonly { readonly by: NodeId; readonly signed: Signed }[];
}

export interface TermsRead {
  /** Content id of the policy. */
  readonly id: string;
  readonly signed: Signed;
  readonly policy: TeacherPolicyCard;
}

/**
 * What the logs of a community say of contributions, taken as they come: those of one author in the order of its log, authors in any
 * order. The same logs give the same answer. A set that is full keeps the first statement of everybody before the second of anybody;
 * those of whom this node trusts are kept beside it.
 */
export interface ContributionSet {
  /** False for what was taken before (an entry at or before the last one of its author), and for what is more than counts of one author. */
  add(place: GrowthPlace, said: Said): boolean;
  /** How many further statements of this author would count. */
  roomOf(author: NodeId): number;
  /** For how many there was no room. */
  leftOut(): number;
  /** The latest first; of what one node gave several times, under other words, the last. */
  contributions(community: string): readonly DeclaredContribution[];
  /** Terms of teachers that members read, each once, the latest first. */
  terms(): readonly TermsRead[];
}

export interface ContributionSetOptions {
  /** The node here, and the curators. */
  readonly isTrusted: (node: NodeId) => boolean;
  /** Other than `MAX_GROWTH_STATEMENTS` only where it is tried out what a full set does. */
  readonly most?: number;
}

export function createContributionSet({
  isTrusted,
  most = MAX_GROWTH_STATEMENTS,
}: ContributionSetOptions): ContributionSet {
  const trusted: Counted[] = [];
  const authors = new Map<NodeId, { lastSeq: number; counted: number }>();
  const kept = createLeast<Counted>(most, (a, b) => a.rank - b.rank || byId(a, b));
  const ofKind = <Kind extends Said['kind']>(kind: Kind) =>
    [...trusted, ...kept.items()]
      .filter(
        (one): one is Counted & { readonly said: Extract<Said, { readonly kind: Kind }> } => one.said.kind === kind,
      )
      .sort((a, b) => a.seq - b.seq || byId(a, b));

  const limitOf = (author: NodeId): number =>
    isTrusted(author) ? MAX_TRUSTED_STATEMENTS_PER_AUTHOR : MAX_GROWTH_STATEMENTS_PER_AUTHOR;

  return {
    add(place, said) {
      const author = authors.get(place.author) ?? { lastSeq: -1, counted: 0 };
      if (place.seq <= author.lastSeq) return false;
      authors.set(place.author, author);
      author.lastSeq = place.seq;
      if (author.counted >= limitOf(place.author)) return false;
      const given = said.kind === 'declared' ? said : said.kind === 'receipt' ? said.opened : null;
      const counted = { ...place, said, rank: author.counted, mintKey: given && mintKeyOf(given.contribution) };
      if (isTrusted(place.author)) trusted.push(counted);
      else kept.add(counted);
      author.counted += 1;
      return true;
    },
    roomOf: (author) => limitOf(author) - (authors.get(author)?.counted ?? 0),
    leftOut: () => kept.leftOut(),
    contributions(community) {
      const findings = new Map<string, Map<string, SignedFinding>>();
      for (const { said } of ofKind('found')) {
        const about = findings.get(said.finding.contribution) ?? new Map<string, SignedFinding>();
        // What somebody finds later replaces what it found before.
        about.set(`${said.finding.receipt} ${said.finding.verifier}`, said);
        findings.set(said.finding.contribution, about);
      }
      const receipts = new Map<string, DeclaredContribution['receipt']>();
      const given = new Map<string, Pick<DeclaredContribution, 'contribution' | 'teachers' | 'at' | 'mintKey'>>();
      /** By giver and content, the contribution that stands for it. */
      const latest = new Map<string, string>();
      for (const { said, author, at, mintKey } of ofKind('receipt')) {
        const { contribution, contributionId, fault, id, teachers } = said.opened;
        // Everybody can write down the receipt of another; it is the contributor's own word that counts.
        if (contribution.contributor.node !== author) continue;
        given.set(contributionId, { contribution, teachers, at, mintKey: mintKey! });
        latest.set(`${author} ${mintKey}`, contributionId);
        const found = said.opened.findings.map(({ finding }) => finding);
        const worthMicros = mintMicros(contribution, found);
        receipts.set(contributionId, { id, signed: said.signed, fault, worthMicros, at });
      }
      for (const { said, author, at, mintKey } of ofKind('declared')) {
        given.set(said.contributionId, { ...said, at, mintKey: mintKey! });
        latest.set(`${author} ${mintKey}`, said.contributionId);
      }
      const approvals = new Map<
        string,
        { readonly by: NodeId; readonly signed: Signed; readonly approval: MintApproval }[]
      >();
      for (const { said } of ofKind('approved')) {
        const ofReceipt = approvals.get(said.approval.receipt) ?? [];
        ofReceipt.push(said);
        approvals.set(said.approval.receipt, ofReceipt);
      }
      return [...given]
        .filter(([id, { contribution, mintKey }]) => latest.get(`${contribution.contributor.node} ${mintKey}`) === id)
        .map(([id, { contribution, teachers, at, mintKey }]): DeclaredContribution => {
          const about = fitFor(contribution, sorted(findings.get(id) ?? new Map<string, SignedFinding>()));
          const found = about.map(({ finding }) => finding);
          const receipt = receipts.get(id) ?? null;
          const agreed = (approvals.get(receipt?.id ?? '') ?? []).filter(
            ({ approval }) =>
              approval.community === community &&
              approval.to === contribution.credit.account &&
              approval.amountMicros === receipt?.worthMicros,
          );
          return {
            id,
            contribution,
            teachers,
            at,
            findings: about,
            fault: faultOf({ id, contribution, teachers }, found),
            worthMicros: mintMicros(contribution, found),
            mintKey,
            receipt,
            approvals: sorted(new Map(agreed.map(({ by, signed }) => [by, { by, signed }]))),
          };
        })
        .sort((a, b) => b.at - a.at || byId(a, b));
    },
    terms() {
      const byId = new Map<string, TermsRead>();
      for (const { said } of ofKind('terms')) {
        const id = idOfSigned(said.signed);
        byId.set(id, { id, signed: said.signed, policy: said.policy });
      }
      return [...byId.values()].sort((a, b) => b.policy.at - a.policy.at || (a.id < b.id ? -1 : 1));
    },
  };
}

/** Those that a receipt of this contribution may hold, as many of each sort as there is room for. */
function fitFor(contribution: Contribution | SkillContribution, findings: readonly SignedFinding[]): SignedFinding[] {
  const givers = giversOf(contribution);
  const { measure, set } = contribution.evaluation.delta;
  const needed = receiptsNeededBy(contribution.kind, 'skill' in contribution);
  return needed.flatMap((receipt) => {
    const measures = receipt === MEASURING_RECEIPT[contribution.kind];
    const fit = findings.filter(
      ({ finding }) =>
        finding.receipt === receipt &&
        !givers.includes(finding.verifier) &&
        // Whoever accepts it and measured something else says nothing about this contribution.
        (!measures ||
          finding.verdict !== 'accepted' ||
          (finding.delta?.measure === measure && finding.delta.set === set && finding.qualityMilli !== null)),
    );
    const rank = ({ finding: { verdict } }: SignedFinding): number => VERDICTS_BY_WEIGHT.indexOf(verdict);
    return fit.sort((a, b) => rank(a) - rank(b)).slice(0, Math.floor(MAX_FINDINGS / needed.length));
  });
}

const VERDICTS_BY_WEIGHT: readonly Finding['verdict'][] = ['rejected', 'accepted', 'undecided'];

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

const sorted = <Value>(map: ReadonlyMap<string, Value>): Value[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
