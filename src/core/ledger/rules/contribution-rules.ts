import type { NodeId } from '../../base/ids';
import type { Contribution, SkillContribution } from '../growth/contribution-receipt';
import type { Finding } from '../growth/finding';
import { BASIS_OF_KIND, MEASURING_RECEIPT, receiptsNeededBy, type Delta } from '../growth/growth-fields';
import { PROVENANCE_RULES, type ProvenanceContext } from './provenance-rules';
import type { Rule } from './rule';

/** Others who must have found each needed receipt true: with one, a contributor and a friend are enough. */
export const VERIFIERS_NEEDED = 2;

export interface ContributionContext extends ProvenanceContext {
  /** `contributionIdOf` the contribution. */
  readonly contributionId: string;
  readonly contribution: Contribution | SkillContribution;
  readonly findings: readonly Finding[];
}

const neededBy = ({ contribution }: ContributionContext) =>
  receiptsNeededBy(contribution.kind, 'skill' in contribution);

/** Findings that say what the contribution brought, and accept it. */
export const measuringOf = ({
  contribution,
  findings,
}: Pick<ContributionContext, 'contribution' | 'findings'>): readonly Finding[] =>
  findings.filter(({ receipt, verdict }) => receipt === MEASURING_RECEIPT[contribution.kind] && verdict === 'accepted');

export const gainOf = ({ beforeMilli, afterMilli }: Delta): number => afterMilli - beforeMilli;

/** The lower of the two in the middle, so that nobody's best figure counts; null of none. */
export function lowerMedian(figures: readonly number[]): number | null {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** Before anything is minted for a contribution. Each rule may rely on those above it. */
export const CONTRIBUTION_RULES: readonly Rule<ContributionContext>[] = [
  ...PROVENANCE_RULES,
  {
    name: 'competitor_distillation',
    sentence: 'It does not rule out that a model of others was distilled without leave.',
    holds: ({ contribution: { antiDistillation } }) =>
      antiDistillation.noUnauthorisedCompetitorDistillation && antiDistillation.teacherPolicyRequired,
  },
  {
    name: 'use_both_ways',
    sentence: 'The contribution allows and forbids the same use.',
    holds: ({ contribution: { use } }) => use.allowed.every((one) => !use.forbidden.includes(one)),
  },
  {
    name: 'wrong_basis',
    sentence: 'Credit is asked for on a basis that does not count for this kind of contribution.',
    holds: ({ contribution: { kind, credit } }) => BASIS_OF_KIND[kind] === credit.basis,
  },
  {
    name: 'foreign_account',
    sentence: 'The credit would go to another account than the contributor’s.',
    holds: ({ contribution: { credit, contributor } }) => credit.account === contributor.node,
  },
  {
    name: 'cap_below_floor',
    sentence: 'The highest multiplier is below the lowest.',
    holds: ({ contribution: { credit } }) => credit.multiplierCapMilli >= credit.multiplierFloorMilli,
  },
  {
    name: 'receipts_not_required',
    sentence: 'The contribution does not ask for the receipts that its kind needs.',
    holds: (context) => neededBy(context).every((one) => context.contribution.receiptsRequired.includes(one)),
  },
  {
    name: 'receipts_not_tested',
    sentence: 'The receipts that its kind needs are not among the tests of the contribution.',
    holds: (context) => neededBy(context).every((one) => context.contribution.evaluation.requiredTests.includes(one)),
  },
  {
    name: 'no_kill_criteria',
    sentence: 'Nothing says when the contribution is taken out again.',
    holds: ({ contribution: { evaluation } }) => evaluation.killCriteria.length > 0,
  },
  {
    name: 'no_executions',
    sentence: 'No receipt shows the skill at work.',
    holds: ({ contribution: { kind, execution } }) => kind !== 'skill' || (execution?.receipts.length ?? 0) > 0,
  },
  {
    name: 'no_verifier_reports',
    sentence: 'Nobody’s report stands behind the work that shows the skill.',
    holds: ({ contribution: { kind, execution } }) => kind !== 'skill' || (execution?.verifierReports.length ?? 0) > 0,
  },
  {
    name: 'worse_than_before',
    sentence: 'Things are worse after the contribution than before.',
    holds: ({ contribution: { evaluation } }) => gainOf(evaluation.delta) >= 0,
  },
  {
    name: 'no_gain',
    sentence: 'The contribution changes nothing that was measured.',
    holds: ({ contribution: { evaluation } }) => gainOf(evaluation.delta) > 0,
  },
  {
    name: 'foreign_finding',
    sentence: 'A finding is about another contribution, or about other words of this one.',
    holds: ({ contributionId, findings }) => findings.every(({ contribution }) => contribution === contributionId),
  },
  {
    name: 'judges_own_contribution',
    sentence: 'Somebody verified a contribution of their own.',
    holds: ({ givers, findings }) => findings.every(({ verifier }) => !givers.includes(verifier)),
  },
  {
    name: 'verifier_twice',
    sentence: 'One verifier stands twice for the same receipt.',
    holds: ({ findings }) =>
      new Set(findings.map(({ receipt, verifier }) => `${receipt} ${verifier}`)).size === findings.length,
  },
  {
    name: 'found_wrong',
    sentence: 'Somebody who looked at the contribution rejects it.',
    holds: ({ findings }) => findings.every(({ verdict }) => verdict !== 'rejected'),
  },
  {
    name: 'too_few_verifiers',
    sentence: 'Too few others found true what the contribution needs.',
    holds: (context) =>
      neededBy(context).every(
        (needed) =>
          context.findings.filter(({ receipt, verdict }) => receipt === needed && verdict === 'accepted').length >=
          VERIFIERS_NEEDED,
      ),
  },
  {
    name: 'gain_not_measured',
    sentence: 'Somebody accepts the contribution without having measured the same thing.',
    holds: (context) => {
      const { measure, set } = context.contribution.evaluation.delta;
      return measuringOf(context).every(
        ({ delta, qualityMilli }) => delta?.measure === measure && delta.set === set && qualityMilli !== null,
      );
    },
  },
  {
    name: 'claims_more_than_measured',
    sentence: 'The contribution claims more than others measured.',
    holds: (context) =>
      gainOf(context.contribution.evaluation.delta) <=
      lowerMedian(measuringOf(context).map(({ delta }) => gainOf(delta!)))!,
  },
];

/** Whoever stands on the giving side of a contribution: none of them may verify it. */
export const giversOf = ({ contributor, credit }: Contribution | SkillContribution): readonly NodeId[] => [
  ...new Set([contributor.node, ...(contributor.person === null ? [] : [contributor.person]), credit.account]),
];
