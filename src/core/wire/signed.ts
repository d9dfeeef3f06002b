import * as v from 'valibot';
import { cidOf, encodeCanonical } from '../base/canonical';
import { nodeIdSchema, SIGNATURE_BYTES, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { bytesSchema, checkAgainst, decodeWithin, type Schema } from './gate';
import { MAX_SIGNED_BYTES } from './limits';
import { refuseSimulated } from './refuse-simulated';

/** How many keys may sign one body: requester, executor, validators and room for witnesses. */
const MAX_SIGNATURES = 16;

export const signatureSchema = v.strictObject({
  keyId: nodeIdSchema,
  signature: v.pipe(bytesSchema(SIGNATURE_BYTES), v.length(SIGNATURE_BYTES, 'not a signature')),
});

/**
 * A body and the signatures over its exact bytes. Every body is a canonical map that names its own `type` and `v`, so
 * a signature given for one kind of statement can never be taken for another (domain separation is inside the bytes).
 * `keyId` is the signer's node id, which is its Ed25519 public key in hex (RFC 8032).
 */
export const signedSchema = v.strictObject({
  payload: bytesSchema(MAX_SIGNED_BYTES),
  signatures: v.pipe(v.array(signatureSchema), v.minLength(1), v.maxLength(MAX_SIGNATURES)),
});

export type Signature = v.InferOutput<typeof signatureSchema>;
export type Signed = v.InferOutput<typeof signedSchema>;

/** Every signed body begins with these: the kind of statement and its version. */
export interface SignedBody {
  readonly type: string;
  readonly v: number;
}

export async function sign(signer: Signer, body: SignedBody): Promise<Signed> {
  const payload = encodeCanonical(body);
  return { payload, signatures: [{ keyId: signer.nodeId, signature: await signer.sign(payload) }] };
}

export async function addSignature(signer: Signer, signed: Signed): Promise<Signed> {
  if (signed.signatures.some((entry) => entry.keyId === signer.nodeId)) return signed;
  const signature = { keyId: signer.nodeId, signature: await signer.sign(signed.payload) };
  return { payload: signed.payload, signatures: [...signed.signatures, signature] };
}

export const idOfSigned = (signed: Signed): string => cidOf(signed.payload);

/**
 * The body behind a signed envelope: size, decode, that it is not simulated, schema, then every signature over the exact bytes, then
 * that each of `requiredSigners` is among them. One bad signature refuses the whole. Codes of the gate, and `simulated`,
 * `bad_signature`, `duplicate_signature`, `signer_missing`.
 */
export async function openSigned<T>(
  schema: Schema<T>,
  signed: Signed,
  verify: Verify,
  requiredSigners: readonly NodeId[] = [],
): Promise<Result<T>> {
  const decoded = decodeWithin(signed.payload, MAX_SIGNED_BYTES);
  if (!decoded.ok) return decoded;
  const real = refuseSimulated(decoded.value);
  if (!real.ok) return real;
  const body = checkAgainst(schema, decoded.value);
  if (!body.ok) return body;
  const seen = new Set<NodeId>();
  for (const { keyId, signature } of signed.signatures) {
    if (seen.has(keyId)) return fail('duplicate_signature', 'A key signed the same data twice.');
    seen.add(keyId);
    if (!(await verify(keyId, signed.payload, signature)))
      return fail('bad_signature', 'A signature does not match the data.');
  }
  for (const signer of requiredSigners) {
    if (!seen.has(signer)) return fail('signer_missing', 'A signature that must be there is missing.');
  }
  return ok(body.value);
}
