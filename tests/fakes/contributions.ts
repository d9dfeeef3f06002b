import { utf8, hex } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import type { Signer } from '#core/base/ports';
import { createTeacherPolicy, type TeacherPolicyDraft } from '#core/ledger/cards/teacher-policy';
import {
  contributionIdOf,
  createContribution,
  type Contribution,
  type SkillContribution,
} from '#core/ledger/growth/contribution-receipt';
import type { DataShardDraft } from '#core/ledger/growth/data-shard';
import { createFinding, type FindingDraft } from '#core/ledger/growth/finding';
import {
  BASIS_OF_KIND,
  MEASURING_RECEIPT,
  receiptsNeededBy,
  type ContributionKind,
  type Source,
} from '#core/ledger/growth/growth-fields';
import type { TrainingDraft } from '#core/ledger/growth/training-work-receipt';
import type { Signed } from '#core/wire/signed';
import { signerNamed } from './test-community';

export const CONTRIBUTED_AT = 1_800_000_000_000;
export const hashOf = (text: string): string => hex(sha256(utf8(text)));
export const cidNamed = (text: string): string => cidOf(encodeCanonical({ named: text }));

export const contributor = signerNamed('contributor');
export const person = signerNamed('person');
export const verifiers = ['verifier-1', 'verifier-2', 'verifier-3'].map(signerNamed) as [Signer, Signer, Signer];

export const ownSource: Source = {
  origin: 'written at a kitchen table',
  licence: 'CC-BY-4.0',
  rights: 'authored',
  permission: null,
  allowedForTraining: true,
  allowedForCommercialUse: true,
  thirdPartyModelOutputs: false,
  termsVerified: false,
  teacherPolicies: [],
};

/** A contribution that keeps every rule: a quarter more of the cases come out right. */
export function contributionOf(kind: ContributionKind): Contribution {
  const needed = [...receiptsNeededBy(kind, false)];
  return {
    kind,
    title: `Some ${kind}`,
    contributor: { node: contributor.nodeId, person: null },
    content: { hash: hashOf(`content of ${kind}`), format: 'text/markdown', sizeBytes: 1_234, redaction: 'public' },
    source: ownSource,
    use: { domains: ['mesh'], allowed: ['training'], forbidden: ['resale'], stage: 'expert_refinement' },
    credit: {
      currency: 'AEM_CREDIT',
      account: contributor.nodeId,
      basis: BASIS_OF_KIND[kind],
      baseMicros: 1_000,
      multiplierFloorMilli: 500,
      multiplierCapMilli: 5_000,
      resaleAllowed: false,
    },
    evaluation: {
      requiredTests: needed,
      adoptionCriteria: ['more right answers on the held-out set'],
      killCriteria: ['fewer right answers than before on any set'],
      delta: { measure: 'right_answers', set: hashOf('set'), beforeMilli: 500, afterMilli: 750, samples: 72 },
    },
    antiDistillation: {
      noUnauthorisedCompetitorDistillation: true,
      teacherPolicyRequired: true,
      exportPolicy: 'open_receipt',
    },
    execution:
      kind === 'skill'
        ? { demoJobs: ['job-1'], receipts: [cidNamed('receipt')], verifierReports: [cidNamed('report')] }
        : null,
    receiptsRequired: needed,
    at: CONTRIBUTED_AT,
  };
}

/** The same for a skill with its contract. */
export function skillContribution(): SkillContribution {
  const needed = [...receiptsNeededBy('skill', true)];
  const contribution = contributionOf('skill');
  return {
    ...contribution,
    kind: 'skill',
    evaluation: { ...contribution.evaluation, requiredTests: needed },
    receiptsRequired: needed,
    skill: {
      id: 'patch-one-file',
      version: '1.0.0',
      type: 'patching',
      input: 'a file and a test that fails',
      operation: 'changes the file until the test passes',
      output: 'a patch of one file',
      tools: ['quickjs'],
      constraints: ['touches no other file'],
      determinism: 'seeded',
    },
  };
}

/** What a verifier finds who finds the contribution true, and good to three halves. */
export function findingsOf(contribution: Contribution | SkillContribution): FindingDraft[] {
  const { delta } = contribution.evaluation;
  return receiptsNeededBy(contribution.kind, 'skill' in contribution).map((receipt) => {
    const measures = receipt === MEASURING_RECEIPT[contribution.kind];
    return {
      contribution: contributionIdOf(contribution),
      receipt,
      verdict: 'accepted',
      delta: measures ? delta : null,
      qualityMilli: measures ? 1_500 : null,
      evidence: hashOf(`${receipt} seen`),
      at: CONTRIBUTED_AT,
    };
  });
}

/** Signed by contributor and person, with findings of two verifiers, or of those given. */
export async function receiptFor(
  contribution: Contribution | SkillContribution,
  signedBy: readonly Signer[] = verifiers.slice(0, 2),
  by: Signer = contributor,
): Promise<Signed> {
  const found = findingsOf(contribution);
  const findings = await Promise.all(signedBy.flatMap((verifier) => found.map((one) => createFinding(verifier, one))));
  return createContribution(
    { node: by, person: contribution.contributor.person === null ? null : person },
    contribution,
    findings,
  );
}

export const openTerms: TeacherPolicyDraft = {
  teacher: 'other-model-7b',
  teacherType: 'model',
  licence: 'Apache-2.0',
  termsVersion: '2026-01',
  allowedForTraining: true,
  allowedOutputsRetention: true,
  allowedForCommercialUse: true,
  at: CONTRIBUTED_AT - 1_000,
};

/** A source that holds outputs of a model of others, under these terms as somebody else read them. */
export const taughtSource = async (
  change: Partial<TeacherPolicyDraft> = {},
  reader: Signer = signerNamed('reader'),
): Promise<Source> => ({
  ...ownSource,
  thirdPartyModelOutputs: true,
  termsVerified: true,
  teacherPolicies: [await createTeacherPolicy(reader, { ...openTerms, ...change })],
});

/** An entry about training data that keeps every rule. */
export const shardDraft: DataShardDraft = {
  content: { hash: hashOf('shard'), format: 'application/jsonl', sizeBytes: 4_096, redaction: 'public' },
  records: 60,
  sort: 'dialogue',
  source: ownSource,
  personalData: 'removed',
  duplicates: 'removed',
  contamination: { report: hashOf('report'), against: [hashOf('set')], overlaps: 0 },
  usedBy: [{ expert: 'spark-1', modelHash: hashOf('weights') }],
  effects: [
    {
      modelHash: hashOf('weights'),
      delta: { measure: 'right_answers', set: hashOf('set'), beforeMilli: 700, afterMilli: 778, samples: 72 },
    },
  ],
  previous: null,
  at: CONTRIBUTED_AT,
};

/** A receipt of training of `signerNamed('trainer')` that keeps every rule, though it made things worse. */
export const trainingDraft: TrainingDraft = {
  community: cidNamed('community'),
  jobId: 'training-1',
  taskClass: 'train.adapter@1',
  payer: signerNamed('payer').nodeId,
  creditAccount: signerNamed('trainer').nodeId,
  expert: 'spark-1',
  baseModelHash: hashOf('base'),
  recipeHash: hashOf('recipe'),
  dataShards: [cidNamed('shard')],
  artefactHashes: [hashOf('adapter')],
  deltas: [{ measure: 'right_answers', set: hashOf('set'), beforeMilli: 700, afterMilli: 650, samples: 72 }],
  work: { steps: 100, wallTimeMs: 1_000, startedAt: CONTRIBUTED_AT, completedAt: CONTRIBUTED_AT + 1_000 },
  reservation: cidNamed('reservation'),
  settlement: cidNamed('closing'),
  chargeMicros: 1_000,
  at: CONTRIBUTED_AT + 1_000,
};
