import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../base/ids';
import type { TeacherPolicyCard } from '../cards/teacher-policy';
import { contributionIdOf, type Contribution, type SkillContribution } from '../growth/contribution-receipt';
import type { FindingDraft } from '../growth/finding';
import { CONTRIBUTION_KINDS, type Source } from '../growth/growth-fields';
import { signerNamed } from '#tests/fakes/test-community';
import {
  contributionOf,
  contributor,
  CONTRIBUTED_AT,
  findingsOf,
  hashOf,
  openTerms,
  ownSource,
  person,
  skillContribution,
  verifiers as verifierKeys,
} from '#tests/fakes/contributions';
import { CONTRIBUTION_RULES, giversOf } from './contribution-rules';
import { keepsAll } from './rule';

const verifiers = verifierKeys.map(({ nodeId }) => nodeId);

interface Case {
  readonly contribution?: Contribution | SkillContribution;
  /** Each says the same; two where nothing is said. */
  readonly by?: readonly NodeId[];
  readonly found?: readonly FindingDraft[];
  readonly teachers?: readonly TeacherPolicyCard[];
}

/** The rules alone, over data whose signatures somebody verified. */
function faultOf({
  contribution = knowledge,
  by = verifiers.slice(0, 2),
  found = findingsOf(contribution),
  teachers = [],
}: Case) {
  const findings = by.flatMap((verifier) =>
    found.map((one) => ({ type: 'contribution-finding' as const, v: 1 as const, ...one, verifier })),
  );
  const [contributionId, givers] = [contributionIdOf(contribution), giversOf(contribution)];
  const { source, at } = contribution;
  const kept = keepsAll(CONTRIBUTION_RULES, { contributionId, contribution, findings, source, teachers, givers, at });
  return kept.ok ? null : kept.error.code;
}

const knowledge = contributionOf('knowledge');
const changed = (change: Partial<Contribution>): Contribution => ({ ...knowledge, ...change });
const from = (source: Partial<Source>) => changed({ source: { ...ownSource, ...source } });
const credit = (change: Partial<Contribution['credit']>) => changed({ credit: { ...knowledge.credit, ...change } });
const evaluation = (change: Partial<Contribution['evaluation']>) =>
  changed({ evaluation: { ...knowledge.evaluation, ...change } });
const delta = (beforeMilli: number, afterMilli: number) =>
  evaluation({ delta: { ...knowledge.evaluation.delta, beforeMilli, afterMilli } });
const execution = (change: Partial<NonNullable<SkillContribution['execution']>>): SkillContribution => ({
  ...skillContribution(),
  execution: { ...skillContribution().execution!, ...change },
});
const antiDistillation = (change: Partial<Contribution['antiDistillation']>) =>
  changed({ antiDistillation: { ...knowledge.antiDistillation, ...change } });
const needed = knowledge.receiptsRequired;
/** The findings with one of them another. */
const found = (receipt: string, change: Partial<FindingDraft>): FindingDraft[] =>
  findingsOf(knowledge).map((one) => (one.receipt === receipt ? { ...one, ...change } : one));
const measuring = 'knowledge_delta_eval_receipt';

const taught = from({ thirdPartyModelOutputs: true, termsVerified: true });
const terms = (change: Partial<TeacherPolicyCard> = {}): readonly TeacherPolicyCard[] => [
  {
    type: 'teacher-policy',
    v: 1,
    ...openTerms,
    author: signerNamed('reader').nodeId,
    expiresAt: CONTRIBUTED_AT + 1,
    ...change,
  },
];

/** What breaks exactly this rule, and no rule above it. */
const BREAKS: Readonly<Record<string, Case>> = {
  training_forbidden: { contribution: from({ allowedForTraining: false }) },
  not_owned: { contribution: from({ rights: 'none' }) },
  permission_missing: { contribution: from({ rights: 'licensed' }) },
  terms_not_verified: { contribution: from({ thirdPartyModelOutputs: true }), teachers: terms() },
  own_word_on_terms: { contribution: taught, teachers: terms({ author: contributor.nodeId }) },
  terms_outdated: { contribution: taught, teachers: terms({ expiresAt: CONTRIBUTED_AT }) },
  teacher_forbids: { contribution: taught, teachers: terms({ allowedForTraining: false }) },
  competitor_distillation: { contribution: antiDistillation({ noUnauthorisedCompetitorDistillation: false }) },
  use_both_ways: { contribution: changed({ use: { ...knowledge.use, allowed: ['resale'] } }) },
  wrong_basis: { contribution: credit({ basis: 'operator_adoption' }) },
  foreign_account: { contribution: credit({ account: signerNamed('friend').nodeId }) },
  cap_below_floor: { contribution: credit({ multiplierFloorMilli: 1_001, multiplierCapMilli: 1_000 }) },
  receipts_not_required: { contribution: changed({ receiptsRequired: needed.slice(1) }) },
  receipts_not_tested: { contribution: evaluation({ requiredTests: needed.slice(1) }) },
  no_kill_criteria: { contribution: evaluation({ killCriteria: [] }) },
  no_executions: { contribution: execution({ receipts: [] }) },
  no_verifier_reports: { contribution: execution({ verifierReports: [] }) },
  worse_than_before: { contribution: delta(500, 499) },
  no_gain: { contribution: delta(500, 500) },
  foreign_finding: { found: findingsOf(changed({ title: 'Another' })) },
  judges_own_contribution: { by: [...verifiers, contributor.nodeId] },
  verifier_twice: { by: [verifiers[0]!, verifiers[1]!, verifiers[0]!] },
  found_wrong: {
    found: [
      ...findingsOf(knowledge),
      { ...findingsOf(knowledge)[0]!, receipt: 'eval_adversarial_receipt', verdict: 'rejected' },
    ],
  },
  too_few_verifiers: { by: verifiers.slice(0, 1) },
  gain_not_measured: { found: found(measuring, { delta: null }) },
  claims_more_than_measured: {
    found: found(measuring, { delta: { ...knowledge.evaluation.delta, afterMilli: 749 } }),
  },
};

describe('a contribution', () => {
  test.each(CONTRIBUTION_KINDS)('of the kind %s that keeps every rule has no fault', (kind) => {
    expect(faultOf({ contribution: contributionOf(kind) })).toBeNull();
  });

  test('that is a skill with its contract needs those who run it besides', () => {
    const contribution = skillContribution();
    expect(faultOf({ contribution })).toBeNull();
    expect(contribution.receiptsRequired).toHaveLength(4);
    const withoutGate = { ...contribution, receiptsRequired: contribution.receiptsRequired.slice(0, 3) };
    expect(faultOf({ contribution: withoutGate })).toBe('receipts_not_required');
  });

  test.each(CONTRIBUTION_RULES)('that breaks $name alone is faulty for just that', ({ name }) => {
    const breaks = BREAKS[name];
    expect(breaks, 'every rule has a contribution that breaks it').toBeDefined();
    expect(faultOf(breaks!)).toBe(name);
  });

  test('is broken in no way that is no rule, and every rule says what is wrong in one sentence', () => {
    expect(Object.keys(BREAKS)).toEqual(CONTRIBUTION_RULES.map(({ name }) => name));
    for (const { sentence } of CONTRIBUTION_RULES) expect(sentence).toMatch(/^[A-Z][^.]*\.$/);
  });

  test('counts with no receipt of any kind missing from either of its lists', () => {
    for (const kind of CONTRIBUTION_KINDS) {
      const contribution = contributionOf(kind);
      for (const missing of contribution.receiptsRequired) {
        const rest = contribution.receiptsRequired.filter((one) => one !== missing);
        expect(faultOf({ contribution: { ...contribution, receiptsRequired: rest } })).toBe('receipts_not_required');
        const tests = { ...contribution.evaluation, requiredTests: rest };
        expect(faultOf({ contribution: { ...contribution, evaluation: tests } })).toBe('receipts_not_tested');
      }
    }
  });
});

describe('where it comes from', () => {
  test('may be somebody else’s with leave, or a model of others whose terms allow just that use', () => {
    const licensed = from({ rights: 'licensed', permission: hashOf('leave') });
    expect(faultOf({ contribution: licensed })).toBeNull();
    expect(faultOf({ contribution: taught, teachers: terms() })).toBeNull();
    const notForSale = from({ thirdPartyModelOutputs: true, termsVerified: true, allowedForCommercialUse: false });
    expect(faultOf({ contribution: notForSale, teachers: terms({ allowedForCommercialUse: false }) })).toBeNull();
  });

  test.each([
    ['terms_not_verified', []],
    ['teacher_forbids', terms({ allowedOutputsRetention: false })],
    ['teacher_forbids', terms({ allowedForCommercialUse: false })],
    ['teacher_forbids', [...terms(), ...terms({ allowedForTraining: false })]],
    ['terms_outdated', terms({ at: CONTRIBUTED_AT + 1, expiresAt: CONTRIBUTED_AT + 2 })],
  ] as const)('is refused as %s in every way', (code, teachers) => {
    expect(faultOf({ contribution: taught, teachers })).toBe(code);
  });

  test('is not settled by half a promise about models of others', () => {
    expect(faultOf({ contribution: antiDistillation({ teacherPolicyRequired: false }) })).toBe(
      'competitor_distillation',
    );
  });
});

describe('findings', () => {
  test('by the person behind the node count as the contributor’s own', () => {
    const contribution = changed({ contributor: { node: contributor.nodeId, person: person.nodeId } });
    expect(faultOf({ contribution })).toBeNull();
    expect(faultOf({ contribution, by: [...verifiers, person.nodeId] })).toBe('judges_own_contribution');
  });

  test('are void as soon as one word of the contribution is another', () => {
    for (const contribution of [
      credit({ baseMicros: 1_001 }),
      changed({ at: CONTRIBUTED_AT + 1 }),
      changed({ title: 'x' }),
    ]) {
      expect(faultOf({ contribution, found: findingsOf(knowledge) })).toBe('foreign_finding');
    }
  });

  test('that are undecided help nobody', () => {
    expect(faultOf({ found: found('provenance_receipt', { verdict: 'undecided' }) })).toBe('too_few_verifiers');
  });

  test('of another measure, on another set or without a word on quality do not bear the contribution out', () => {
    const { delta: claimed } = knowledge.evaluation;
    for (const change of [
      { delta: { ...claimed, measure: 'passed_tests' as const } },
      { delta: { ...claimed, set: hashOf('an easier set') } },
      { qualityMilli: null },
    ]) {
      expect(faultOf({ found: found(measuring, change) })).toBe('gain_not_measured');
    }
  });
});
