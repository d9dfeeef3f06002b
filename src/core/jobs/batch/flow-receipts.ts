import * as v from 'valibot';
import { base64, fromBase64 } from '../../base/bytes';
import { encodeCanonical, sha256 } from '../../base/canonical';
import { SIGNATURE_BYTES } from '../../base/ids';
import { jsonText } from '../../base/json-text';
import type { Signer } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import { codePoints } from '../../base/text';
import { sign, type SignedBody } from '../../wire/signed';
import type { JobTypes } from './job-type';
import { MAX_JOBS } from './manifest';
import type { ProcessedAssignment } from './process-inbox';
import { DOCUMENT_VERSION, readDocument } from './read-document';
import { receiptOf, SUMMARY_CHARACTERS, type BatchReceipt } from './receipts';

/** Makes a signer from a seed of 32 bytes; the adapter that does it is handed in. */
export type CreateSigner = (seed: Uint8Array) => Signer;

/**
 * What a node of a flow signs about one job. Its key follows from the manifest, so anyone can make such a signature again:
 * it shows that the files belong together, not that anybody worked. `simulated` says so inside the signed bytes, and a ledger of the live mesh
 * refuses every body that bears it.
 */
export interface FlowReceiptBody extends BatchReceipt, SignedBody {
  readonly type: 'batch.receipt';
  readonly v: 1;
  readonly simulated: true;
  readonly manifest_hash: string;
  readonly assignment_hash: string;
  readonly node_key: string;
}

export interface FlowSignature {
  readonly key_id: string;
  /** RFC 8032 over the canonical bytes of the body, in base64. */
  readonly signature: string;
}

export interface FlowReceipt {
  readonly body: FlowReceiptBody;
  readonly signatures: readonly FlowSignature[];
}

/** The key of a node in the flow of a manifest: Ed25519 from SHA-256 over the canonical bytes of manifest hash and node id. */
export const flowSeed = (manifestHash: string, nodeId: string): Uint8Array<ArrayBuffer> =>
  sha256(encodeCanonical({ type: 'batch.flow-key', v: 1, manifest_hash: manifestHash, node_id: nodeId }));

export function receiptBody(
  processed: ProcessedAssignment,
  manifestHash: string,
  nodeKey: string,
  jobTypes: JobTypes,
): FlowReceiptBody {
  const receipt = receiptOf(processed.settled, processed.ids, jobTypes);
  return {
    type: 'batch.receipt',
    v: 1,
    simulated: true,
    manifest_hash: manifestHash,
    ...receipt,
    // What is signed has UTF-8 bytes: half a surrogate pair has none.
    output_summary: codePoints(receipt.output_summary.replace(/\p{Surrogate}/gu, '\ufffd'))
      .slice(0, SUMMARY_CHARACTERS)
      .join(''),
    assignment_hash: String(processed.record.assignment_hash),
    node_key: nodeKey,
  };
}

export async function signReceipt(body: FlowReceiptBody, signer: Signer): Promise<FlowReceipt> {
  const { signatures } = await sign(signer, body);
  return {
    body,
    signatures: signatures.map(({ keyId, signature }) => ({ key_id: keyId, signature: base64(signature) })),
  };
}

export const renderFlowReceipts = (receipts: readonly FlowReceipt[]): string =>
  jsonText({ version: DOCUMENT_VERSION, simulated: true, receipts }, { indent: 2 }) + '\n';

/** The bytes of a signature that was read, or null when it is none. */
export function signatureBytes({ signature }: FlowSignature): Uint8Array<ArrayBuffer> | null {
  const bytes = fromBase64(signature);
  return bytes?.length === SIGNATURE_BYTES ? bytes : null;
}

const receiptsSchema = v.pipe(
  v.array(
    v.object(
      {
        signatures: v.pipe(
          v.array(
            v.strictObject(
              { key_id: v.string('must be text'), signature: v.string('must be text') },
              'must be key_id and signature',
            ),
            'must be a list',
          ),
          v.length(1, 'must be one signature'),
        ),
      },
      'must be a body and signatures',
    ),
    'must be a list',
  ),
  v.maxLength(MAX_JOBS, `must be at most ${MAX_JOBS}`),
);

/** The signatures under the receipts of a file, in order; whoever asks knows what the bodies must be. Codes of `readDocument`, `malformed`. */
export function parseFlowSignatures(text: string): Result<readonly FlowSignature[]> {
  const document = readDocument(text, 'list of receipts');
  if (!document.ok) return document;
  const parsed = v.safeParse(receiptsSchema, document.value['receipts'], { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return ok(parsed.output.map((receipt) => receipt.signatures[0]!));
  const path = v.getDotPath(parsed.issues[0]);
  return fail('malformed', `The receipts${path === null ? '' : `.${path}`} ${parsed.issues[0].message}.`);
}
