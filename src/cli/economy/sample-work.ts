import { concat } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import { utf8 } from '#core/base/bytes';
import { unwrap } from '#core/base/result';
import type { Community } from '#core/identity/community';
import { splitCharge, windowSecondsFor } from '#core/ledger/credits';
import type { Settlement } from '#core/ledger/events';
import { openOffer } from '#core/ledger/offer-terms';
import { chargeFor } from '#core/ledger/rules/proposal-rules';
import { saltedDigest, type Commitment, type VerdictStatement } from '#core/ledger/statements';
import {
  CHALLENGE_METHODS,
  REQUIRED_RECEIPTS,
  type InferenceWorkReceipt,
  type VerificationReceipt,
} from '#core/ledger/work-receipts';
import { addSignature, idOfSigned, sign, type Signed } from '#core/wire/signed';
import { closingOf, type LogWriter, type Written } from './log-writer';
import { SAMPLE_EXPERT } from './sample-cards';
import type { SamplePeople } from './sample-people';
import { verifiedBefore } from '#core/ledger/verified-before';

/** A job as it was agreed on. */
export interface SampleJob {
  readonly jobId: string;
  readonly taskClass: string;
  readonly offer: Signed;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** More than it comes to: what is left over is freed. */
  readonly reservedMicros: number;
  readonly at: number;
}

/** A job that was done, checked and paid, and all that it left. */
export interface PaidJob {
  readonly reservation: Written;
  /** Content id of the event that closed it. */
  readonly closing: string;
  readonly work: Signed;
  readonly verifications: readonly Signed[];
  readonly chargeMicros: number;
  readonly closedAt: number;
}

const REST_MS = 60_000;

/** Reserves, works, checks, proposes, waits out the challenge window and closes, each in the log where it belongs. */
export async function paySampleJob(
  {
    community,
    people,
    writer,
  }: { readonly community: Community; readonly people: SamplePeople; readonly writer: LogWriter },
  job: SampleJob,
): Promise<PaidJob> {
  const { asker, host, checkers } = people;
  const { jobId, taskClass, at } = job;
  const policy = community.economy!;
  const terms = unwrap(await openOffer(job.offer, verifiedBefore));
  const nonce = sha256(utf8(`${jobId} nonce`)).slice(0, 16);
  const reservation = await writer.write(asker, at, {
    kind: 'reservation.made',
    purpose: 'work',
    jobId,
    payee: host.nodeId,
    offer: terms.id,
    amountMicros: job.reservedMicros,
    expiresAt: at + 30 * REST_MS,
    idempotencyKey: `pay-${jobId}`,
    roster: null,
  });

  const salt = sha256(utf8(`${jobId} salt`)).slice(0, 16);
  const commitment: Commitment = {
    type: 'commitment',
    v: 1,
    jobId,
    traceId: `trace-${jobId}`,
    requester: asker.nodeId,
    executor: host.nodeId,
    capability: taskClass,
    input: saltedDigest(salt, `input of ${jobId}`),
    output: saltedDigest(salt, `output of ${jobId}`),
    at: at + 1_000,
  };
  const committed = await sign(host, commitment);
  await writer.write(host, at + 1_000, { kind: 'work.committed', commitment: committed });
  const verdicts = await Promise.all(
    checkers.map((checker) => {
      const verdict: VerdictStatement = {
        type: 'verdict',
        v: 1,
        jobId,
        traceId: commitment.traceId,
        commitment: idOfSigned(committed),
        requester: asker.nodeId,
        executor: host.nodeId,
        validator: checker.nodeId,
        check: 'redo',
        verdict: 'accepted',
        reason: 'ok',
        at: at + 2_000,
      };
      return sign(checker, verdict);
    }),
  );
  for (const [index, checker] of checkers.entries())
    await writer.write(checker, at + 2_000, { kind: 'verdict.given', verdict: verdicts[index]! });

  const chargeMicros = chargeFor(terms, job.inputTokens + job.outputTokens);
  const receipt: InferenceWorkReceipt = {
    type: 'inference-work-receipt',
    v: 1,
    community: community.id,
    jobId,
    taskClass,
    expert: { id: SAMPLE_EXPERT.expert, hash: SAMPLE_EXPERT.modelHash },
    executor: host.nodeId,
    payer: asker.nodeId,
    offer: terms.id,
    creditAccount: host.nodeId,
    chargeMicros,
    work: {
      inputTokens: job.inputTokens,
      outputTokens: job.outputTokens,
      meteredCostMicros: Math.floor(chargeMicros / 2),
      wallTimeMs: 900,
      startedAt: at + 100,
      completedAt: at + 1_000,
    },
    commitments: {
      commitment: idOfSigned(committed),
      input: commitment.input,
      output: commitment.output,
      routeTraceId: commitment.traceId,
      nonce,
    },
    challenge: {
      windowSeconds: windowSecondsFor(policy, chargeMicros),
      methods: [...CHALLENGE_METHODS],
      replayMaterial: sha256(concat(nonce, salt)),
      verifierSet: checkers.map(({ nodeId }) => nodeId),
    },
    duplicateSpend: {
      spendKey: reservation.ref.id,
      scope: 'reservation',
      previousReceipt: null,
      idempotencyKey: `pay-${jobId}`,
    },
    policy: {
      privacyClass: 'public',
      sandboxProfile: terms.sandboxProfile,
      allowedForCredit: true,
      receiptRequirements: [...REQUIRED_RECEIPTS],
    },
    at: at + 3_000,
  };
  const work = await addSignature(asker, await sign(host, receipt));
  const settlement: Settlement = { offer: job.offer, receipt: work, commitment: committed, verdicts };
  await writer.write(host, at + 3_000, { kind: 'settlement.proposed', reservation: reservation.ref.id, settlement }, [
    reservation.ref,
  ]);
  const proposedAt = at + 4_000;
  const closedAt = proposedAt + receipt.challenge.windowSeconds * 1_000;
  const closing = await closingOf(writer, reservation, 'settled', { settlement, chargeMicros, proposedAt, closedAt });
  for (const one of [asker, host, ...checkers]) await writer.write(one, closedAt, closing, [reservation.ref]);
  const closingId = cidOf(encodeCanonical(closing));

  await writer.write(host, closedAt, { kind: 'work.receipted', receipt: work });
  const paidMicros = splitCharge(policy, chargeMicros, checkers.length).validatorMicros;
  const verifications: Signed[] = [];
  for (const [index, checker] of checkers.entries()) {
    const verification: VerificationReceipt = {
      type: 'verification-receipt',
      v: 1,
      community: community.id,
      jobId,
      validator: checker.nodeId,
      executor: host.nodeId,
      payer: asker.nodeId,
      verdict: idOfSigned(verdicts[index]!),
      settlement: closingId,
      check: 'redo',
      paidMicros,
      at: closedAt,
    };
    const signed = await sign(checker, verification);
    await writer.write(checker, closedAt, { kind: 'verification.receipted', receipt: signed });
    verifications.push(signed);
  }
  return { reservation, closing: closingId, work, verifications, chargeMicros, closedAt };
}
