import { hex, utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import { createExpertCard } from '#core/experts/expert-card';
import { createAdvertisement, type AdvertisementDraft } from '#core/ledger/cards/host-advertisement';
import { createNodeCard, openNodeCard } from '#core/ledger/cards/node-card';
import { createTaskPacket } from '#core/ledger/cards/task-packet';
import { createTeacherPolicy } from '#core/ledger/cards/teacher-policy';
import { idOfSigned, type Signed } from '#core/wire/signed';
import type { SamplePeople } from './sample-people';

/** Noon of a day to come: the sample is the same whenever it is made. */
export const SAMPLE_AT = 1_800_000_000_000;

export const hashNamed = (name: string): string => hex(sha256(utf8(`economy-sample/${name}`)));

export const SAMPLE_EXPERT = { expert: 'sample-1', modelHash: hashNamed('weights of sample-1') };

/** What it was trained on. */
export const SAMPLE_SHARD_HASH = hashNamed('data_shard');

export const ANSWER = 'llm.chat@1';
export const TRAIN = 'train.adapter@1';
const RECEIPTS = ['inference_work_receipt', 'training_work_receipt', 'verification_receipt'];
/** Micros per token that the host asks for answers. Training reads a token for less. */
const ANSWER_RATE_MICROS = 150;
const TRAINING_RATE_MICROS = 40;

export interface SampleCards {
  readonly expert: Signed;
  readonly node: Signed;
  readonly answers: Signed;
  readonly training: Signed;
  readonly packet: Signed;
  readonly teacher: Signed;
}

/** What the people of the sample say of themselves and of what they want, before anybody works. */
export async function createSampleCards({ host, asker, reader }: SamplePeople): Promise<SampleCards> {
  const at = SAMPLE_AT;
  const teacher = await createTeacherPolicy(reader, {
    teacher: 'open-teacher-7b',
    teacherType: 'model',
    licence: 'Apache-2.0',
    termsVersion: '2026-06',
    allowedForTraining: true,
    allowedOutputsRetention: true,
    allowedForCommercialUse: true,
    at: at - 1_000,
  });
  const expert = await createExpertCard(host, {
    ...SAMPLE_EXPERT,
    version: '1.0.0',
    capabilities: [ANSWER],
    tasks: ['chat'],
    quantisation: 'q8',
    engine: 'transformers/wasm',
    memoryBytes: 64_000_000,
    contextTokens: 2_048,
    prefillMilliTokensPerS: 700_000,
    decodeMilliTokensPerS: 60_000,
    selfTest: null,
    scores: [{ set: 'sample-questions', digest: hashNamed('questions'), right: 54, of: 72, trace: hashNamed('trace') }],
    expertType: 'domain',
    domains: ['sample-questions'],
    trainingObjective: 'answers about invitations',
    licence: 'Apache-2.0',
    dataHashes: [SAMPLE_SHARD_HASH],
    teacherPolicies: [idOfSigned(teacher)],
    at,
  });
  const offered = { ...SAMPLE_EXPERT, expertCard: idOfSigned(expert) };
  const node = await createNodeCard(host, {
    owner: host.nodeId,
    availableRoles: ['inference', 'training', 'verification'],
    experts: [offered],
    locality: { bucket: 'europe', jurisdictionHint: null, exactLocationDisclosed: false },
    capacity: {
      deviceClass: '12-gb',
      gpuCount: 1,
      gpuMemoryMib: 4_096,
      memoryGb: 8,
      bandwidthMbps: 50,
      maxConcurrentJobs: 4,
      uptimeWindowHours: 14,
      decodeMilliTokensPerS: 60_000,
    },
    economicPolicy: {
      creditAccount: host.nodeId,
      currency: 'AEM_CREDIT',
      earningRoles: ['inference', 'training', 'verification'],
      minimumRateMicros: { inference: ANSWER_RATE_MICROS, training: TRAINING_RATE_MICROS, verification: 45 },
      collateralRequiredMicros: 0,
      resaleAllowed: false,
    },
    hostPolicy: {
      acceptedTaskClasses: [ANSWER, TRAIN],
      rejectedTaskClasses: [],
      sandboxProfiles: ['web-worker'],
      maxPromptPrivacyClass: 'redacted',
    },
    receiptsRequired: [...RECEIPTS, 'capacity_probe_receipt'],
    at,
  });
  const card = unwrap(await openNodeCard(node, async () => true, at));
  const offer = (taskClass: string, role: 'inference' | 'training'): AdvertisementDraft => ({
    ...offered,
    offer: {
      roles: [role],
      acceptedPayment: ['AEM_CREDIT'],
      rateMicros: {
        inference: role === 'inference' ? ANSWER_RATE_MICROS : null,
        training: role === 'training' ? TRAINING_RATE_MICROS : null,
        verification: null,
      },
      minimumJobMicros: 1_000,
    },
    policy: { acceptedTaskClasses: [taskClass], maxPromptPrivacyClass: 'redacted', sandboxProfile: 'web-worker' },
    receiptRequirements: [...RECEIPTS, 'route_trace_receipt'],
    maxConcurrentJobs: 2,
    endpointHint: 'job.run@1',
    at,
  });
  return {
    expert,
    node,
    answers: await createAdvertisement(host, card, offer(ANSWER, 'inference')),
    training: await createAdvertisement(host, card, offer(TRAIN, 'training')),
    packet: unwrap(
      await createTaskPacket(asker, {
        taskId: 'answer-1',
        taskType: ANSWER,
        prompt: 'What does a witness sign?',
        requiredCapabilities: [ANSWER],
        budget: { maxChargeMicros: 5_000, maxTokens: 32 },
        at,
        expiresAt: at + 60 * 60_000,
      }),
    ),
    teacher,
  };
}
