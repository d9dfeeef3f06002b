import { utf8 } from '#core/base/bytes';
import { unwrap } from '#core/base/result';
import {
  BRICKS_FILE,
  COMMUNITY_FILE,
  createEconomySet,
  INDEX_FILE,
  LEDGER_FILE,
  LEDGER_VIEW_FILE,
  ledgerDocuments,
  OUTCOME_FILE,
} from '#core/economy/economy-files';
import { createManifest, openManifest } from '#core/identity/community';
import { defaultEconomyPolicy, MICROS_PER_CREDIT } from '#core/identity/economy-policy';
import { openContribution } from '#core/ledger/contribution-terms';
import { createTrainingWorkReceipt } from '#core/ledger/growth/training-work-receipt';
import { renderLedgerFile } from '#core/ledger/ledger-file';
import type { MintApproval } from '#core/ledger/mint-approval';
import { replayLogs } from '#core/ledger/replay';
import { addSignature, idOfSigned, sign, type Signed } from '#core/wire/signed';
import { signedText } from '#core/wire/signed-text';
import { closingOf, createLogWriter } from './log-writer';
import { ANSWER, createSampleCards, hashNamed, SAMPLE_AT, SAMPLE_EXPERT, TRAIN } from './sample-cards';
import { createSampleGrowth } from './sample-growth';
import { createSamplePeople } from './sample-people';
import { paySampleJob } from './sample-work';
import { verifiedBefore } from '#core/ledger/verified-before';

const MINUTE_MS = 60_000;
/** When everything has happened, and the offers still hold. */
const CHECKED_AT = SAMPLE_AT + 45 * MINUTE_MS;

/**
 * An economy in small, whole and valid: a community, a host with its cards and offers, one answer and one training that were
 * reserved, checked, settled and paid, a reservation that was let go, contributions of every kind, and credit minted for one of them.
 * Always the same bytes.
 */
export async function sampleEconomy(bricksText: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const people = createSamplePeople();
  const { founder, asker, host, witnesses, curators, author } = people;
  const manifest = await createManifest(founder, {
    name: 'Sample economy',
    open: true,
    createdAt: SAMPLE_AT - MINUTE_MS,
    economy: {
      ...defaultEconomyPolicy(founder.nodeId),
      witnesses: witnesses.map(({ nodeId }) => nodeId),
      curators: curators.map(({ nodeId }) => nodeId),
      mint: true,
    },
  });
  const community = unwrap(await openManifest(manifest, verifiedBefore));
  const cards = await createSampleCards(people);
  const writer = createLogWriter(community, witnesses);
  const at = (minutes: number): number => SAMPLE_AT + minutes * MINUTE_MS;

  for (const one of [founder, asker, host, author])
    await writer.write(one, at(0), { kind: 'community.joined', community: community.id });
  const grant = await writer.write(founder, at(0), {
    kind: 'credit.granted',
    to: asker.nodeId,
    amountMicros: 5 * MICROS_PER_CREDIT,
    invite: null,
  });
  const heads = [...(await writer.headsOf(grant, at(1)))];
  await writer.write(asker, at(1), { kind: 'credit.claimed', grant: grant.bytes, heads }, [grant.ref]);
  for (const offer of [cards.answers, cards.training])
    await writer.write(host, at(1), { kind: 'offer.published', offer });

  const world = { community, people, writer };
  const answer = await paySampleJob(world, {
    jobId: 'answer-1',
    taskClass: ANSWER,
    offer: cards.answers,
    inputTokens: 12,
    outputTokens: 8,
    reservedMicros: 5_000,
    at: at(2),
  });
  const trained = await paySampleJob(world, {
    jobId: 'training-1',
    taskClass: TRAIN,
    offer: cards.training,
    inputTokens: 20_000,
    outputTokens: 0,
    reservedMicros: MICROS_PER_CREDIT,
    at: at(15),
  });
  const dropped = await writer.write(asker, at(30), {
    kind: 'reservation.made',
    purpose: 'work',
    jobId: 'answer-2',
    payee: host.nodeId,
    offer: idOfSigned(cards.answers),
    amountMicros: 3_000,
    expiresAt: at(40),
    idempotencyKey: 'pay-answer-2',
    roster: null,
  });
  const release = await closingOf(writer, dropped, 'released', {
    settlement: null,
    chargeMicros: 0,
    proposedAt: at(31),
    closedAt: at(31),
  });
  await writer.write(asker, at(31), release, [dropped.ref]);

  const growth = await createSampleGrowth(people, answer, cards.teacher);
  const training = await addSignature(
    asker,
    await createTrainingWorkReceipt(host, {
      community: community.id,
      jobId: 'training-1',
      taskClass: TRAIN,
      payer: asker.nodeId,
      creditAccount: host.nodeId,
      expert: SAMPLE_EXPERT.expert,
      baseModelHash: SAMPLE_EXPERT.modelHash,
      recipeHash: hashNamed('recipe'),
      dataShards: [idOfSigned(growth.shard)],
      artefactHashes: [hashNamed('adapter')],
      deltas: [
        {
          measure: 'right_answers',
          set: hashNamed('set for training'),
          beforeMilli: 750,
          afterMilli: 764,
          samples: 72,
        },
      ],
      work: { steps: 400, wallTimeMs: 600, startedAt: at(15), completedAt: at(15) + 1_000 },
      reservation: trained.reservation.ref.id,
      settlement: trained.closing,
      chargeMicros: trained.chargeMicros,
      at: trained.closedAt,
    }),
  );
  await writer.write(host, at(32), { kind: 'training.receipted', receipt: training });

  const contributed = growth.contributions.knowledge;
  await writer.write(author, at(33), { kind: 'contribution.receipted', receipt: contributed });
  const { mintMicros } = unwrap(await openContribution(contributed, verifiedBefore));
  const approval: MintApproval = {
    type: 'mint-approval',
    v: 1,
    community: community.id,
    receipt: idOfSigned(contributed),
    to: author.nodeId,
    amountMicros: mintMicros,
  };
  await writer.write(author, at(34), {
    kind: 'credit.minted',
    contribution: contributed,
    to: author.nodeId,
    amountMicros: mintMicros,
    approvals: await Promise.all(curators.slice(0, 2).map((curator) => sign(curator, approval))),
  });
  await writer.write(host, at(35), {
    kind: 'log.checkpointed',
    length: writer.logs.find((log) => log.author === host.nodeId)!.entries.length,
    root: writer.rootOf(host.nodeId),
  });

  const statements: Readonly<Record<string, Signed>> = {
    [COMMUNITY_FILE]: manifest,
    'cards/expert.json': cards.expert,
    'cards/node.json': cards.node,
    'cards/offer-answers.json': cards.answers,
    'cards/offer-training.json': cards.training,
    'cards/task-packet.json': cards.packet,
    'cards/teacher-policy.json': cards.teacher,
    'growth/knowledge.json': growth.contributions.knowledge,
    'growth/skill-use.json': growth.contributions.skill,
    'growth/data.json': growth.contributions.data_shard,
    'growth/evaluation.json': growth.contributions.evaluation,
    'growth/curriculum.json': growth.contributions.curriculum,
    'growth/operator.json': growth.contributions.operator,
    'growth/data-shard.json': growth.shard,
    'skills/patch-one-file.json': growth.skill,
    'work/answer.json': answer.work,
    'work/answer-checked-1.json': answer.verifications[0]!,
    'work/answer-checked-2.json': answer.verifications[1]!,
    'work/training.json': trained.work,
    'work/training-checked-1.json': trained.verifications[0]!,
    'work/training-checked-2.json': trained.verifications[1]!,
    'work/training-receipt.json': training,
  };
  const ledger = { manifest, logs: writer.logs, proofs: [] };
  const documents = ledgerDocuments(unwrap(await replayLogs(ledger, verifiedBefore)));
  const files = new Map<string, Uint8Array>([
    [BRICKS_FILE, utf8(bricksText)],
    ...Object.entries(statements).map(([path, signed]) => [path, utf8(signedText(signed))] as const),
    [LEDGER_FILE, utf8(renderLedgerFile(ledger))],
    [LEDGER_VIEW_FILE, utf8(documents.view)],
    [OUTCOME_FILE, utf8(documents.outcome)],
  ]);
  const index = await createEconomySet(founder, { community: community.id, at: CHECKED_AT, files });
  return files.set(INDEX_FILE, utf8(signedText(index)));
}
