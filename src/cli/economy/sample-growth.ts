import type { Signer } from '#core/base/ports';
import { createDataShard } from '#core/ledger/growth/data-shard';
import {
  contributionIdOf,
  createContribution,
  type Contribution,
  type SkillContribution,
} from '#core/ledger/growth/contribution-receipt';
import { createFinding } from '#core/ledger/growth/finding';
import {
  BASIS_OF_KIND,
  MEASURING_RECEIPT,
  receiptsNeededBy,
  type ContributionKind,
  type Delta,
  type Source,
} from '#core/ledger/growth/growth-fields';
import { idOfSigned, type Signed } from '#core/wire/signed';
import { hashNamed, SAMPLE_AT, SAMPLE_EXPERT, SAMPLE_SHARD_HASH } from './sample-cards';
import type { SamplePeople } from './sample-people';
import type { PaidJob } from './sample-work';

/** What each kind of the sample brings: in which words, how much is asked for it, what was measured. */
interface Brought {
  readonly title: string;
  readonly format: string;
  readonly domain: string;
  readonly stage: Contribution['use']['stage'];
  readonly baseMicros: number;
  readonly measured: Omit<Delta, 'set'>;
  readonly adopt: string;
  readonly kill: string;
}

const BROUGHT: Readonly<Record<ContributionKind, Brought>> = {
  knowledge: {
    title: 'How witnesses make a payment final',
    format: 'text/markdown',
    domain: 'ledger',
    stage: 'expert_refinement',
    baseMicros: 1_000_000,
    measured: { measure: 'right_answers', beforeMilli: 500, afterMilli: 750, samples: 72 },
    adopt: 'more right answers about the ledger on the held-out questions',
    kill: 'fewer right answers than before on any other set',
  },
  skill: {
    title: 'Patch one file until its test passes, used at work',
    format: 'application/json',
    domain: 'code',
    stage: 'expert_refinement',
    baseMicros: 400_000,
    measured: { measure: 'passed_tests', beforeMilli: 250, afterMilli: 500, samples: 40 },
    adopt: 'a quarter more of the tests pass',
    kill: 'a patch touches a file that it was not given',
  },
  data_shard: {
    title: 'Sixty dialogues about invitations',
    format: 'application/jsonl',
    domain: 'invites',
    stage: 'seed',
    baseMicros: 200_000,
    measured: { measure: 'usable_records', beforeMilli: 0, afterMilli: 950, samples: 60 },
    adopt: 'nine of ten records are usable',
    kill: 'a record names a person',
  },
  evaluation: {
    title: 'Forty questions that look alike and are not',
    format: 'application/json',
    domain: 'routing',
    stage: 'eval_hardening',
    baseMicros: 300_000,
    measured: { measure: 'caught_faults', beforeMilli: 600, afterMilli: 900, samples: 40 },
    adopt: 'more planted faults are caught',
    kill: 'a right answer is called wrong',
  },
  curriculum: {
    title: 'An order in which to learn the ledger',
    format: 'text/markdown',
    domain: 'ledger',
    stage: 'expert_refinement',
    baseMicros: 150_000,
    measured: { measure: 'right_answers', beforeMilli: 700, afterMilli: 736, samples: 72 },
    adopt: 'more right answers after as many steps',
    kill: 'no gain over any other order',
  },
  operator: {
    title: 'A page that tells hosts what their limits cost',
    format: 'text/markdown',
    domain: 'hosting',
    stage: 'router_training',
    baseMicros: 100_000,
    measured: { measure: 'adopting_nodes', beforeMilli: 0, afterMilli: 400, samples: 10 },
    adopt: 'four of ten hosts use it for a week',
    kill: 'hosts go back to what they had',
  },
};

const OWN: Source = {
  origin: 'written by the contributor',
  licence: 'CC-BY-4.0',
  rights: 'authored',
  permission: null,
  allowedForTraining: true,
  allowedForCommercialUse: true,
  thirdPartyModelOutputs: false,
  termsVerified: false,
  teacherPolicies: [],
};

export interface SampleGrowth {
  readonly contributions: Readonly<Record<ContributionKind, Signed>>;
  readonly skill: Signed;
  readonly shard: Signed;
}

/** A contribution of every kind, a skill with its contract, and an entry of the data ledger: all found true by two others. */
export async function createSampleGrowth(people: SamplePeople, shown: PaidJob, teacher: Signed): Promise<SampleGrowth> {
  const execution = {
    demoJobs: ['answer-1'],
    receipts: [idOfSigned(shown.work)],
    verifierReports: shown.verifications.map(idOfSigned),
  };
  const contributionOf = (kind: ContributionKind, withContract = false): Contribution => {
    const { title, format, domain, stage, baseMicros, measured, adopt, kill } = BROUGHT[kind];
    const needed = [...receiptsNeededBy(kind, withContract)];
    return {
      kind,
      title,
      contributor: { node: people.author.nodeId, person: people.person.nodeId },
      content: {
        hash: hashNamed(`${kind}${withContract ? ' with contract' : ''}`),
        format,
        sizeBytes: 4_096,
        redaction: 'public',
      },
      // The dialogues hold answers of a model of others, whose terms somebody read.
      source: kind === 'data_shard' ? taught(teacher) : OWN,
      use: { domains: [domain], allowed: ['training', 'evaluation'], forbidden: ['impersonation'], stage },
      credit: {
        currency: 'AEM_CREDIT',
        account: people.author.nodeId,
        basis: BASIS_OF_KIND[kind],
        baseMicros,
        multiplierFloorMilli: 500,
        multiplierCapMilli: 2_000,
        resaleAllowed: false,
      },
      evaluation: {
        requiredTests: needed,
        adoptionCriteria: [adopt],
        killCriteria: [kill],
        delta: { ...measured, set: hashNamed(`set for ${kind}`) },
      },
      antiDistillation: {
        noUnauthorisedCompetitorDistillation: true,
        teacherPolicyRequired: true,
        exportPolicy: 'open_receipt',
      },
      execution: kind === 'skill' ? execution : null,
      receiptsRequired: needed,
      at: SAMPLE_AT,
    };
  };
  const skill: SkillContribution = {
    ...contributionOf('skill', true),
    kind: 'skill',
    skill: {
      id: 'patch-one-file',
      version: '1.0.0',
      type: 'patching',
      input: 'one file and a test that fails',
      operation: 'changes the file until the test passes, at most three times',
      output: 'a patch of that file, or a word that it could not be done',
      tools: ['quickjs'],
      constraints: ['touches no other file', 'stays within three seconds of running'],
      determinism: 'seeded',
    },
  };
  return {
    contributions: {
      knowledge: await found(people, contributionOf('knowledge')),
      skill: await found(people, contributionOf('skill')),
      data_shard: await found(people, contributionOf('data_shard')),
      evaluation: await found(people, contributionOf('evaluation')),
      curriculum: await found(people, contributionOf('curriculum')),
      operator: await found(people, contributionOf('operator')),
    },
    skill: await found(people, skill),
    shard: await shardOf(people.steward, teacher),
  };
}

const taught = (teacher: Signed): Source => ({
  ...OWN,
  origin: 'asked by the contributor, answered by open-teacher-7b',
  licence: 'Apache-2.0',
  thirdPartyModelOutputs: true,
  termsVerified: true,
  teacherPolicies: [teacher],
});

/** The receipt with what both verifiers found: each of them tried it, and found it a fifth better than was to be expected. */
async function found(
  { author, person, verifiers }: SamplePeople,
  contribution: Contribution | SkillContribution,
): Promise<Signed> {
  const measuring = MEASURING_RECEIPT[contribution.kind];
  const findings = await Promise.all(
    verifiers.flatMap((verifier) =>
      receiptsNeededBy(contribution.kind, 'skill' in contribution).map((receipt) =>
        createFinding(verifier, {
          contribution: contributionIdOf(contribution),
          receipt,
          verdict: 'accepted',
          delta: receipt === measuring ? contribution.evaluation.delta : null,
          qualityMilli: receipt === measuring ? 1_200 : null,
          evidence: hashNamed(`${receipt} of ${contribution.title}`),
          at: SAMPLE_AT,
        }),
      ),
    ),
  );
  return createContribution({ node: author, person }, contribution, findings);
}

const shardOf = (steward: Signer, teacher: Signed): Promise<Signed> =>
  createDataShard(steward, {
    content: { hash: SAMPLE_SHARD_HASH, format: 'application/jsonl', sizeBytes: 4_096, redaction: 'public' },
    records: 60,
    sort: 'dialogue',
    source: taught(teacher),
    personalData: 'none_found',
    duplicates: 'removed',
    contamination: {
      report: hashNamed('contamination report'),
      against: [hashNamed('set for training')],
      overlaps: 0,
    },
    usedBy: [SAMPLE_EXPERT],
    effects: [
      {
        modelHash: SAMPLE_EXPERT.modelHash,
        delta: {
          measure: 'right_answers',
          set: hashNamed('set for training'),
          beforeMilli: 700,
          afterMilli: 750,
          samples: 72,
        },
      },
    ],
    previous: null,
    at: SAMPLE_AT,
  });
