import type { NodeId } from '../../base/ids';
import type { Verify } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import {
  commitmentSchema,
  opensTo,
  type Commitment,
  type Evidence,
  type VerdictStatement,
} from '../../ledger/statements';
import { idOfSigned, openSigned, type Signed } from '../../wire/signed';
import type { LookedAt } from './sealed-verdict';

/** A finished job as the requester lays it open to a validator. */
export interface Claim {
  readonly commitment: Signed;
  readonly salt: Uint8Array;
  readonly input: unknown;
  readonly output: unknown;
}

export interface OpenedClaim {
  readonly commitment: Commitment;
  readonly commitmentId: string;
  /** False when the executor committed to another input or output than the ones shown. */
  readonly opens: boolean;
}

/** What a check found: `undecided` when this node could not tell. */
export interface Judgement {
  readonly verdict: VerdictStatement['verdict'];
  readonly reason: string;
  readonly evidence?: Evidence;
}

/** Signs a verdict, writes it down, and fixes it for the caller without telling it; the seal is what leaves this node first. */
export type SealVerdict = (
  body: VerdictStatement,
  lookedAt: LookedAt | null,
  caller: NodeId,
) => Promise<Result<{ sealed: Uint8Array<ArrayBuffer> }>>;

export const accepted: Judgement = { verdict: 'accepted', reason: 'ok' };
export const rejected = (reason: string): Judgement => ({ verdict: 'rejected', reason });
export const undecided = (reason: string): Judgement => ({ verdict: 'undecided', reason });

export interface ClaimRules {
  readonly self: NodeId;
  readonly verify: Verify;
  /** Whether that node challenged the payment for the work behind a commitment: then its panel looks at it for the challenger. */
  readonly challenged: (challenger: NodeId, commitmentId: string) => boolean;
}

/**
 * Who may have a job checked here, and whether what is shown is what the executor committed to. The commitment must be
 * signed by its executor and made for the caller, or be challenged by it; nobody checks what they did themselves. Whoever holds the
 * words may look again at its own device; by the rules of proposals that verdict pays for nothing. Codes: those of `openSigned`,
 * `not_your_job`, `own_job`.
 */
export async function openClaim(
  claim: Claim,
  caller: NodeId,
  { self, verify, challenged }: ClaimRules,
): Promise<Result<OpenedClaim>> {
  const unproved = await openSigned(commitmentSchema, claim.commitment, verify);
  if (!unproved.ok) return unproved;
  const commitment = unproved.value;
  if (!claim.commitment.signatures.some(({ keyId }) => keyId === commitment.executor)) {
    return fail('signer_missing', 'The executor did not sign what it committed to.');
  }
  const commitmentId = idOfSigned(claim.commitment);
  if (commitment.requester !== caller && caller !== self && !challenged(caller, commitmentId))
    return fail(
      'not_your_job',
      'Only the node that asked, or one that challenged the payment, can have an answer checked.',
    );
  if (commitment.executor === self) return fail('own_job', 'A node does not check what it did itself.');
  const opens = opensTo(commitment, claim.salt, claim.input, claim.output);
  return ok({ commitment, commitmentId, opens });
}

/** The statement that the validator signs. */
export function verdictStatement(
  { commitment, commitmentId }: OpenedClaim,
  validator: NodeId,
  check: VerdictStatement['check'],
  judgement: Judgement,
  at: number,
): VerdictStatement {
  const { jobId, traceId, requester, executor } = commitment;
  return {
    type: 'verdict',
    v: 1,
    jobId,
    traceId,
    commitment: commitmentId,
    requester,
    executor,
    validator,
    check,
    ...judgement,
    at,
  };
}
