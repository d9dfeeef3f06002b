import { createVerify } from '#adapters/verify-webcrypto';
import type { Result } from '#core/base/result';
import { verifyBundle, type EvidenceReport } from '#core/evidence/verify-evidence';

/** Verifies an evidence bundle in this browser: no node, no network, nothing but the file. Codes as `verifyBundle`. */
export const readEvidence = (file: Uint8Array<ArrayBuffer>): Promise<Result<EvidenceReport>> =>
  verifyBundle(
    file,
    createVerify(async () => (await import('#adapters/verify-noble')).createVerify()),
  );
