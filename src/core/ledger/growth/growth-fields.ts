import * as v from 'valibot';
import { cidSchema, idSchema, nodeIdSchema } from '../../base/ids';
import { sha256HexSchema } from '../../engines/model-manifest';
import { signedSchema } from '../../wire/signed';
import { amountMicrosSchema, count, listOf, receiptNamesSchema, text } from '../cards/card-fields';
import { CURRENCY } from '../cards/money';

/** What receipts of growth have in common. Shares are thousandths, so that no figure is a fraction. */

/** What somebody may add to the mesh. */
export const CONTRIBUTION_KINDS = ['knowledge', 'skill', 'data_shard', 'evaluation', 'curriculum', 'operator'] as const;
export type ContributionKind = (typeof CONTRIBUTION_KINDS)[number];

/** What credit may be due for. How much was uploaded is none of these, and no field that counts bytes enters a price. */
export const CREDIT_BASES = [
  'accepted_delta',
  'verified_skill_use',
  'eval_improvement',
  'curation_quality',
  'operator_adoption',
] as const;
export type CreditBasis = (typeof CREDIT_BASES)[number];

/** The one basis of each kind: with more of them one contribution could be minted for under each. */
export const BASIS_OF_KIND: Readonly<Record<ContributionKind, CreditBasis>> = {
  knowledge: 'accepted_delta',
  skill: 'verified_skill_use',
  data_shard: 'curation_quality',
  evaluation: 'eval_improvement',
  curriculum: 'accepted_delta',
  operator: 'operator_adoption',
};

/** Everything that others may attest of a contribution: where it comes from, that it ran, and what it brought. */
export const FINDING_RECEIPTS = [
  'provenance_receipt',
  'skill_execution_receipt',
  'knowledge_delta_eval_receipt',
  'skill_delta_eval_receipt',
  'data_quality_receipt',
  'eval_adversarial_receipt',
  'curriculum_delta_receipt',
  'operator_reality_gate_receipt',
] as const;
export type FindingReceipt = (typeof FINDING_RECEIPTS)[number];

/** For each kind the receipt that says what it brought, measured. */
export const MEASURING_RECEIPT: Readonly<Record<ContributionKind, FindingReceipt>> = {
  knowledge: 'knowledge_delta_eval_receipt',
  skill: 'skill_delta_eval_receipt',
  data_shard: 'data_quality_receipt',
  evaluation: 'eval_adversarial_receipt',
  curriculum: 'curriculum_delta_receipt',
  operator: 'operator_reality_gate_receipt',
};

/** What must come with a contribution; a skill with its contract must also have been tried by those who run it. */
export const receiptsNeededBy = (kind: ContributionKind, withContract: boolean): readonly FindingReceipt[] => [
  'provenance_receipt',
  ...(kind === 'skill' ? (['skill_execution_receipt'] as const) : []),
  MEASURING_RECEIPT[kind],
  ...(withContract ? (['operator_reality_gate_receipt'] as const) : []),
];

/** What is measured, each as a share of the cases looked at: more is better. None of them grows with the size of an upload. */
export const MEASURES = [
  'right_answers',
  'passed_tests',
  'caught_faults',
  'found_passages',
  'usable_records',
  'adopting_nodes',
] as const;

const MAX_PERMISSIONS = 16;
/** Terms of so many teachers fit beside everything else that one receipt holds. */
const MAX_TEACHERS = 4;
/** Receipts of work that show a skill at it. */
const MAX_EXECUTIONS = 32;

const wordSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,47}$/, 'not a word'));
const words = (least: number) => listOf(wordSchema, MAX_PERMISSIONS, least);
const sentences = v.pipe(v.array(text(200)), v.maxLength(8));
const milliSchema = count(1_000);

/** A measure before and after, in thousandths of the cases of one set. */
export const deltaSchema = v.strictObject({
  measure: v.picklist(MEASURES),
  /** SHA-256 of the set. Comparable with another delta only where measure and set are equal. */
  set: sha256HexSchema,
  beforeMilli: milliSchema,
  afterMilli: milliSchema,
  samples: count(1_000_000, 1),
});
export type Delta = v.InferOutput<typeof deltaSchema>;

/** What is contributed, by its hash. Its size is for whoever fetches it and for nothing else. */
export const contentSchema = v.strictObject({
  hash: sha256HexSchema,
  /** A media type or a name of a format, for instance `text/markdown`. */
  format: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.+/-]{0,63}$/, 'not a format')),
  sizeBytes: count(Number.MAX_SAFE_INTEGER, 1),
  redaction: v.picklist(['public', 'redacted', 'private_commitment']),
});

/** Where it comes from and what may be done with it. */
export const sourceSchema = v.strictObject({
  origin: text(120),
  licence: text(64),
  /** By what right it is given: written by the contributor, owned, licensed by somebody else, or by none. */
  rights: v.picklist(['authored', 'owned', 'licensed', 'none']),
  /** SHA-256 of the text in which somebody else gives leave; null where nobody else has to. */
  permission: v.nullable(sha256HexSchema),
  allowedForTraining: v.boolean(),
  allowedForCommercialUse: v.boolean(),
  /** Whether outputs of models of others are in it, and whether somebody read the terms of those. */
  thirdPartyModelOutputs: v.boolean(),
  termsVerified: v.boolean(),
  /** Signed teacher policies: what was read, of each such model. */
  teacherPolicies: v.pipe(v.array(signedSchema), v.maxLength(MAX_TEACHERS)),
});
export type Source = v.InferOutput<typeof sourceSchema>;

/** Everything that every contribution says of itself. */
export const contributionEntries = {
  kind: v.picklist(CONTRIBUTION_KINDS),
  title: text(120),
  /** The node that contributes, and the person who stands behind it, where one does: both sign. */
  contributor: v.strictObject({ node: nodeIdSchema, person: v.nullable(nodeIdSchema) }),
  content: contentSchema,
  source: sourceSchema,
  use: v.strictObject({
    domains: words(1),
    allowed: words(0),
    forbidden: words(0),
    stage: v.picklist(['seed', 'expert_refinement', 'router_training', 'eval_hardening', 'distillation_memory']),
  }),
  credit: v.strictObject({
    currency: v.literal(CURRENCY),
    account: nodeIdSchema,
    basis: v.picklist(CREDIT_BASES),
    baseMicros: amountMicrosSchema,
    /** Between which thousandths the quality that others found counts. */
    multiplierFloorMilli: count(100_000),
    multiplierCapMilli: count(100_000),
    resaleAllowed: v.boolean(),
  }),
  evaluation: v.strictObject({
    requiredTests: receiptNamesSchema,
    adoptionCriteria: sentences,
    /** When it is taken out again. */
    killCriteria: sentences,
    delta: deltaSchema,
  }),
  antiDistillation: v.strictObject({
    noUnauthorisedCompetitorDistillation: v.boolean(),
    teacherPolicyRequired: v.boolean(),
    exportPolicy: v.picklist(['open_receipt', 'licensed_receipt', 'private_commitment']),
  }),
  /** The skill at work: jobs that showed it, receipts of them, and reports of those who checked them. Null for other kinds. */
  execution: v.nullable(
    v.strictObject({
      demoJobs: listOf(idSchema, MAX_EXECUTIONS),
      receipts: listOf(cidSchema, MAX_EXECUTIONS),
      verifierReports: listOf(cidSchema, MAX_EXECUTIONS),
    }),
  ),
  receiptsRequired: receiptNamesSchema,
};
