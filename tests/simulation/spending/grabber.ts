import type { Signer } from '#core/base/ports';
import { ok } from '#core/base/result';
import { openReservation } from '#core/ledger/open-event';
import { saltedDigest, type Commitment, type VerdictStatement } from '#core/ledger/statements';
import type { Release } from '#core/ledger/witness-duty';
import { idOfSigned, sign } from '#core/wire/signed';
import type { Grabbing } from './book';
import { createHonestMember, TASK, type JobInput, type Stage, type Worker } from './honest-member';
import { serveLies } from './liar';

/** Long enough that its proposal is certified before it says that nothing came of the job; and at once. */
const SAYS_SO_AFTER_MS: Readonly<Record<Grabbing, number>> = { before: 40_000, after: 3_000 };

/**
 * A payee that does nothing, has a friend accept it, lets the reservation go when it is asked to, and asks to be paid all the same. Of what
 * an honest node runs it changes only that.
 */
export async function createGrabber(
  stage: Stage,
  signer: Signer,
  friend: Signer,
  how: Grabbing,
  at: number,
): Promise<Worker> {
  const { founded, clock, chance, book } = stage;
  const { community, verify } = founded.world;
  const self = signer.nodeId;
  const { desk, port } = await createHonestMember(stage, signer, at);
  serveLies(stage, signer, port);
  port.serve('payment.release@1', async (input) => {
    const { reservation } = input as { readonly reservation: string };
    const body: Release = { type: 'reservation-release', v: 1, community: community.id, reservation, payee: self };
    return ok({ release: await sign(signer, body) });
  });

  return {
    nodeId: self,
    async work(jobId, input, payment, payer) {
      const taken = await desk.payee.take({ jobId, capability: TASK, input, payment }, payer);
      if (!taken.ok) return taken;
      const reserved = await openReservation(payment.reservation, verify);
      if (reserved.ok) book.grabbed.set(reserved.value.id, how);
      const output: JobInput = { tokens: input.tokens };
      const salt = chance.bytes(16);
      const commitment: Commitment = {
        type: 'commitment',
        v: 1,
        jobId,
        traceId: `trace-${jobId}`,
        requester: payer,
        executor: self,
        capability: TASK,
        input: saltedDigest(salt, input),
        output: saltedDigest(salt, output),
        at: clock.now(),
      };
      const signed = await sign(signer, commitment);
      const commitmentId = idOfSigned(signed);
      const verdict: VerdictStatement = {
        type: 'verdict',
        v: 1,
        jobId,
        traceId: commitment.traceId,
        commitment: commitmentId,
        requester: payer,
        executor: self,
        validator: friend.nodeId,
        check: 'rescore',
        verdict: 'accepted',
        reason: 'ok',
        at: clock.now(),
      };
      await desk.payee.over(jobId, payer, {
        job: { commitment, commitmentId, input, output },
        commitment: signed,
        startedAt: clock.now(),
        tookMs: 1,
      });
      await desk.payee.receiptFor(payer, jobId, [await sign(friend, verdict)]);
      await new Promise<void>((resolve) => void clock.after(SAYS_SO_AFTER_MS[how], resolve));
      return ok(null);
    },
  };
}
