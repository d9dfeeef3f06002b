import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { ok } from '#core/base/result';
import type { Claim, SealVerdict } from '#core/experts/validators/open-claim';
import { createSealedVerdicts, type LookedAt } from '#core/experts/validators/sealed-verdict';
import { saltedDigest, SALT_BYTES, type Commitment } from '#core/ledger/statements';
import { sign, type Signed } from '#core/wire/signed';

/** A signer with a key made from one number: the same number, the same node. */
export const signerFrom = (seed: number): Signer => createSeedSigner(new Uint8Array(32).fill(seed));

export const verifySignature = createVerify();

export interface ClaimParts {
  readonly executor: Signer;
  readonly requester: NodeId;
  readonly capability: string;
  readonly input: unknown;
  readonly output: unknown;
  /** `job-1` when absent. */
  readonly jobId?: string;
}

/** A job as an executor commits to it and a requester lays it open. */
export async function claimOf({
  executor,
  requester,
  capability,
  input,
  output,
  jobId = 'job-1',
}: ClaimParts): Promise<Claim> {
  const salt = new Uint8Array(SALT_BYTES).fill(7);
  const commitment: Commitment = {
    type: 'commitment',
    v: 1,
    jobId,
    traceId: 'trace-1',
    requester,
    executor: executor.nodeId,
    capability,
    input: saltedDigest(salt, input),
    output: saltedDigest(salt, output),
    at: 1_000,
  };
  return { commitment: await sign(executor, commitment), salt, input, output };
}

/** A validator's pen that keeps what it sealed, so that a test can read the verdict. */
export function sealingAs(signer: Signer): { sealVerdict: SealVerdict; last(): Signed; lookedAt(): LookedAt | null } {
  const sealed = createSealedVerdicts({ bytes: (count) => new Uint8Array(count).fill(9) }, async () => ok(undefined));
  let last: Signed | null = null;
  let seen: LookedAt | null = null;
  return {
    async sealVerdict(body, lookedAt) {
      last = await sign(signer, body);
      seen = lookedAt;
      return ok({ sealed: sealed.seal(body.requester, body.jobId, last, lookedAt) });
    },
    last: () => last!,
    lookedAt: () => seen,
  };
}
