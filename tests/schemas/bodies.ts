import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { base64, utf8 } from '#core/base/bytes';
import { cidOf, decodeCanonical, encodeCanonical, sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { Seal } from '#core/evidence/seal';
import { createExpertCard } from '#core/experts/expert-card';
import { marginMeasurements } from '#core/experts/margin-measurements';
import { createManifest, openManifest } from '#core/identity/community';
import { createInvite } from '#core/identity/invites';
import type { Commitment, VerdictStatement } from '#core/ledger/statements';
import { createAdvertisement } from '#core/ledger/cards/host-advertisement';
import { createNodeCard, openNodeCard } from '#core/ledger/cards/node-card';
import { createTaskPacket } from '#core/ledger/cards/task-packet';
import { createTeacherPolicy } from '#core/ledger/cards/teacher-policy';
import { createDataShard } from '#core/ledger/growth/data-shard';
import { createFinding } from '#core/ledger/growth/finding';
import { createTrainingWorkReceipt } from '#core/ledger/growth/training-work-receipt';
import type { Receipt } from '#core/ledger/receipts';
import type { VerificationReceipt } from '#core/ledger/work-receipts';
import { sign, type Signed } from '#core/wire/signed';
import { cardFor, hexOf, manifest, resultOf } from '#tests/fakes/admission-input';
import {
  contributionOf,
  findingsOf,
  receiptFor,
  shardDraft,
  skillContribution,
  taughtSource,
  trainingDraft,
} from '#tests/fakes/contributions';
import { createEconomyWorld } from '#tests/fakes/economy-world';
import { advertisementDraft, CARDS_AT as NOW, host, nodeCardDraft } from '#tests/fakes/host-cards';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { signerNamed } from '#tests/fakes/test-community';
import { ROOT } from '#tests/steps';

const verify = createVerify();
const signerOf = (name: string) => createSeedSigner(sha256(utf8(name)));
const [asker, doer, checker] = [signerOf('asker'), signerOf('doer'), signerOf('checker')];
const cid = cidOf(encodeCanonical('a commitment'));
const job = { jobId: 'job-1', traceId: 'trace-1', requester: asker.nodeId, executor: doer.nodeId };

const commitment: Commitment = {
  type: 'commitment',
  v: 1,
  ...job,
  capability: 'llm.chat@1',
  input: sha256(utf8('in')),
  output: sha256(utf8('out')),
  at: NOW,
};
const verdict: VerdictStatement = {
  type: 'verdict',
  v: 1,
  ...job,
  commitment: cid,
  validator: checker.nodeId,
  check: 'rescore',
  verdict: 'accepted',
  reason: 'ok',
  evidence: {
    positions: 8,
    length: 40,
    gross: 0,
    soft: 1,
    clippedMilli: 12,
    worstMilli: 9,
    engine: 'transformers/wasm',
  },
  at: NOW,
};
const receipt: Receipt = {
  type: 'receipt',
  v: 1,
  ...job,
  capability: 'llm.chat@1',
  validators: [checker.nodeId],
  model: { id: 'sage-2', hash: hexOf('1') },
  commitment: cid,
  verdicts: [cid],
  verdict: 'accepted',
  check: 'rescore',
  units: 2,
  tokens: { prompt: 12, completion: 40 },
  at: NOW,
};
const seal: Seal = {
  type: 'seal',
  v: 1,
  traceId: 'trace-1',
  requester: asker.nodeId,
  trace: sha256(utf8('steps')),
  steps: 7,
  verdict: 'accepted',
  at: NOW,
};

async function expertCard(): Promise<Signed> {
  const {
    type: _t,
    v: _v,
    author: _a,
    expiresAt: _e,
    ...draft
  } = cardFor(resultOf('target', 50, 60), resultOf('general', 30, 30));
  return createExpertCard(host, {
    ...draft,
    at: NOW,
    selfTest: { passed: true, positions: 9, agreeing: 9, gross: 0, worstMargin: 0.1, promptsAgree: true },
    expertType: 'domain',
    domains: ['target'],
    licence: 'MIT',
    gains: [{ set: 'target', against: hexOf('4'), milli: -12 }],
    risks: { duplicateMilli: null, backdoorMilli: 3 },
  });
}

async function advertisement(): Promise<Signed> {
  const card = unwrap(await openNodeCard(await createNodeCard(host, nodeCardDraft), verify, NOW));
  return createAdvertisement(host, card, advertisementDraft);
}

async function invite(): Promise<Signed> {
  const founded = await createManifest(host, { name: 'Street', open: false, createdAt: NOW });
  const community = unwrap(await openManifest(founded, verify));
  const deps = { signer: host, seedSigner: createSeedSigner, chance: createSeededChance(1), now: NOW };
  return unwrap(await createInvite(deps, { community, manifest: founded, chain: [] })).invite;
}

const packet = async (): Promise<Signed> =>
  unwrap(
    await createTaskPacket(asker, {
      taskId: 'task-1',
      taskType: 'code_patch',
      prompt: 'Make add return the sum.',
      requiredCapabilities: ['code.patch@1'],
      budget: { maxChargeMicros: 5_000 },
      constraints: { testCommand: ['python', '-m', 'unittest'], allowedFiles: ['calc.py'], blockedPrefixes: ['.git/'] },
      at: NOW,
      expiresAt: NOW + 60_000,
    }),
  );

const policy = (): Promise<Signed> =>
  createTeacherPolicy(host, {
    teacher: 'smollm2-360m-q4-onnx',
    teacherType: 'model',
    licence: 'Apache-2.0',
    termsVersion: '2.0',
    allowedForTraining: true,
    allowedOutputsRetention: true,
    allowedForCommercialUse: false,
    notes: 'Read in full.',
    at: NOW,
  });

const bodyOf = ({ payload }: Signed): unknown => unwrap(decodeCanonical(payload));
const catalogue = JSON.parse(readFileSync(join(ROOT, 'static', 'models', 'catalogue.json'), 'utf8')) as {
  readonly models: readonly unknown[];
};

const verification: VerificationReceipt = {
  type: 'verification-receipt',
  v: 1,
  community: cid,
  jobId: 'job-1',
  validator: checker.nodeId,
  executor: doer.nodeId,
  payer: asker.nodeId,
  verdict: cid,
  settlement: cid,
  check: 'rescore',
  paidMicros: 200,
  at: NOW,
};

async function workReceipt(): Promise<unknown> {
  const world = await createEconomyWorld();
  const reservation = await world.reserve(world.founder, world.member('host'));
  return bodyOf((await world.work(reservation)).settlement.receipt);
}

/** A real one of everything that is published, decoded: what was signed where it is signed. */
export const bodies = async (): Promise<Readonly<Record<string, unknown>>> => ({
  'batch-manifest': {
    version: 1,
    nodes: ['north', { node_id: 'south', status: 'offline', capabilities: ['echo'] }],
    jobs: [{ job_id: 'a', job_type: 'echo', payload: { text: 'hello' } }],
  },
  commitment: bodyOf(await sign(doer, commitment)),
  community: bodyOf(await createManifest(host, { name: 'Street', open: true, createdAt: NOW })),
  'contribution-finding': bodyOf(await createFinding(checker, findingsOf(contributionOf('knowledge')).at(-1)!)),
  'contribution-receipt': bodyOf(await receiptFor(contributionOf('knowledge'))),
  'data-shard': bodyOf(await createDataShard(host, { ...shardDraft, source: await taughtSource() })),
  'expert-card': bodyOf(await expertCard()),
  'host-advertisement': bodyOf(await advertisement()),
  'inference-work-receipt': await workReceipt(),
  invite: bodyOf(await invite()),
  'margin-measurements': marginMeasurements([
    { engine: 'transformers/wasm', executorClass: 'true 8 16', validatorClass: '? ? ?', counts: [900, 3, 0, 1] },
  ]),
  // All of it is accepted once; single members are changed in a short one.
  'model-catalogue': { ...catalogue, models: [manifest] },
  'model-manifest': manifest,
  'node-card': bodyOf(await createNodeCard(host, nodeCardDraft)),
  receipt: bodyOf(await sign(asker, receipt)),
  seal: bodyOf(await sign(asker, seal)),
  signed: await sign(asker, receipt),
  'skill-receipt': bodyOf(await receiptFor(skillContribution())),
  'task-packet': bodyOf(await packet()),
  'teacher-policy': bodyOf(await policy()),
  'training-work-receipt': bodyOf(await createTrainingWorkReceipt(signerNamed('trainer'), trainingDraft)),
  verdict: bodyOf(await sign(checker, verdict)),
  'verification-receipt': bodyOf(await sign(checker, verification)),
});

export const wholeCatalogue: unknown = catalogue;

/** A decoded body as JSON carries it: bytes in base64. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return base64(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
}
