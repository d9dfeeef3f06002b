import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Signer, Verify } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import type { FinishedJob } from '#core/jobs/executor';
import type { Ledger } from '#core/ledger/ledger';
import { openReceipt, type Receipt } from '#core/ledger/receipts';
import { addSignature } from '#core/wire/signed';
import type { ReceiptSignInput, ReceiptSignOutput } from './contract';

export interface ReceiptSignDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly ledger: () => Ledger;
  /** The job as it was done here for this requester, or null. */
  readonly finishedJob: (requester: NodeId, jobId: string) => FinishedJob | null;
  /** The content id of the verdict given here on this job of this requester, with what was decided, or null. */
  readonly givenVerdict: (
    requester: NodeId,
    jobId: string,
  ) => { id: string; verdict: string; commitment: string } | null;
  /** What the finished job is worth when accepted. */
  readonly unitsOf: (job: FinishedJob) => number;
}

export function createReceiptSignHandler(deps: ReceiptSignDeps): Handler<ReceiptSignInput, ReceiptSignOutput> {
  const self = deps.signer.nodeId;

  /** Why this node will not put its name under the receipt; null when it will. */
  function objection(receipt: Receipt): string | null {
    if (receipt.executor === self) {
      const job = deps.finishedJob(receipt.requester, receipt.jobId);
      if (!job) return 'unknown_job';
      if (receipt.commitment !== job.commitmentId) return 'commitment_mismatch';
      if (receipt.traceId !== job.commitment.traceId || receipt.capability !== job.commitment.capability)
        return 'job_mismatch';
      if (receipt.verdict === 'accepted' && receipt.units !== deps.unitsOf(job)) return 'unexpected_contribution_units';
      return null;
    }
    if (receipt.validators.includes(self)) {
      const given = deps.givenVerdict(receipt.requester, receipt.jobId);
      if (!given) return 'unknown_job';
      if (!receipt.verdicts.includes(given.id) || receipt.commitment !== given.commitment) return 'verdict_mismatch';
      if (receipt.verdict === 'accepted' && given.verdict !== 'accepted') return 'verdict_mismatch';
      return null;
    }
    return 'not_named';
  }

  return async ({ receipt: signed }, context) => {
    const opened = await openReceipt(signed, deps.verify);
    if (!opened.ok) return opened.error.code === 'simulated' ? opened : fail('bad_receipt', opened.error.message);
    const { receipt, signers } = opened.value;
    if (receipt.requester !== context.caller || !signers.includes(context.caller)) {
      return fail('not_your_receipt', 'A receipt must be signed by the node that sends it.');
    }
    const why = objection(receipt);
    if (why !== null) return fail(why, 'This node does not sign that receipt.');
    const countersigned = await addSignature(deps.signer, signed);
    const written = await deps.ledger().append({ kind: 'receipt.recorded', receipt: countersigned });
    if (!written.ok) return written;
    return ok({ signature: countersigned.signatures.find((entry) => entry.keyId === self)! });
  };
}
