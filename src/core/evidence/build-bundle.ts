import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { Files } from './artefacts';
import { packBundle } from './bundle-file';
import { buildDocuments } from './documents';
import { sealEvidence } from './stage-seal';
import { verifyEvidence, type EvidenceReport } from './verify-evidence';

export interface BuiltBundle {
  readonly files: Files;
  /** The one file that travels. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly report: EvidenceReport;
}

export interface SealDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  /** When it is sealed, as the sealing node says. */
  readonly at: number;
}

/**
 * From the sources to a sealed bundle: documents, both seals, terminal receipt, one file. Nothing is given back that does not verify
 * as a whole. Codes: those of `buildDocuments`, `sealEvidence` and `packBundle`; `not_reviewable` with the first failure.
 */
export async function buildBundle(sources: Files, deps: SealDeps): Promise<Result<BuiltBundle>> {
  const documents = buildDocuments(sources);
  return documents.ok ? sealBundle(documents.value, deps) : documents;
}

/** Seals documents as they are: what was built before, perhaps by somebody else. Codes as `buildBundle`. */
export async function sealBundle(documents: Files, { signer, verify, at }: SealDeps): Promise<Result<BuiltBundle>> {
  const files = await sealEvidence(documents, signer, at);
  if (!files.ok) return files;
  const report = await verifyEvidence(files.value, verify);
  if (!report.reviewable) {
    const first = report.failures[0];
    return fail('not_reviewable', first?.message ?? 'The evidence does not verify.');
  }
  const bytes = packBundle(files.value);
  return bytes.ok ? ok({ files: files.value, bytes: bytes.value, report }) : bytes;
}
