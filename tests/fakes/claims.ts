import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import type { Claim } from '#core/experts/validators/open-claim';
import { saltedDigest, SALT_BYTES, type Commitment } from '#core/jobs/statements';
import { sign } from '#core/wire/signed';

/** A signer with a key made from one number: the same number, the same node. */
export const signerFrom = (seed: number): Signer => createSeedSigner(new Uint8Array(32).fill(seed));

export const verifySignature = createVerify();

export interface ClaimParts {
  readonly executor: Signer;
  readonly requester: NodeId;
  readonly capability: string;
  readonly input: unknown;
  readonly output: unknown;
}

/** A job as an executor commits to it and a requester lays it open. */
export async function claimOf({ executor, requester, capability, input, output }: ClaimParts): Promise<Claim> {
  const salt = new Uint8Array(SALT_BYTES).fill(7);
  const commitment: Commitment = {
    type: 'commitment',
    v: 1,
    jobId: 'job-1',
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
