import * as v from 'valibot';
import { base64, fromBase64 } from '../base/bytes';
import { encodeCanonical } from '../base/canonical';
import { nodeIdSchema, SIGNATURE_BYTES } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { modelCatalogueSchema, type ModelCatalogue } from '../engines/model-manifest';
import { checkAgainst, decodeThrough } from '../wire/gate';

/** Room for all models that a catalogue may name, each with dozens of pinned files; read once per visit. */
export const MAX_CATALOGUE_BYTES = 1024 * 1024;

/** A signed catalogue as JSON carries it: bytes in base64, and the one signature over them. */
export const signedCatalogueSchema = v.object({
  payload: v.pipe(v.string(), v.maxLength(Math.ceil(MAX_CATALOGUE_BYTES / 3) * 4)),
  signatures: v.pipe(
    v.array(v.object({ keyId: nodeIdSchema, signature: v.pipe(v.string(), v.maxLength(SIGNATURE_BYTES * 2)) })),
    v.length(1),
  ),
});

export type SignedCatalogue = v.InferOutput<typeof signedCatalogueSchema>;

/** Signs a catalogue for those who trust the signer. Code `too_large`. */
export async function signCatalogue(signer: Signer, catalogue: ModelCatalogue): Promise<Result<SignedCatalogue>> {
  const payload = encodeCanonical(catalogue);
  if (payload.length > MAX_CATALOGUE_BYTES) {
    return fail('too_large', `The catalogue of models is larger than ${MAX_CATALOGUE_BYTES} bytes.`);
  }
  const signature = await signer.sign(payload);
  return ok({
    payload: base64(payload),
    signatures: [{ keyId: signer.nodeId, signature: base64(signature) }],
  });
}

/**
 * The catalogue behind its signed form (spec/models), which came from outside: form, size, canonical bytes, schema, and
 * that `founder` signed exactly these bytes. Null as founder trusts nobody. Codes of the gate, `bad_signature`,
 * `signer_missing`.
 */
export async function openCatalogue(
  signedJson: unknown,
  verify: Verify,
  founder: string | null,
): Promise<Result<ModelCatalogue>> {
  const signed = checkAgainst(signedCatalogueSchema, signedJson);
  if (!signed.ok) return signed;
  const payload = fromBase64(signed.value.payload);
  const { keyId, signature: text } = signed.value.signatures[0]!;
  const signature = fromBase64(text);
  if (payload === null || signature?.length !== SIGNATURE_BYTES) {
    return fail('malformed', 'The signed catalogue of models is malformed.');
  }
  if (keyId !== founder) return fail('signer_missing', 'The catalogue of models is not signed by the community.');
  if (!(await verify(keyId, payload, signature))) {
    return fail('bad_signature', 'The signature under the catalogue of models does not match.');
  }
  return decodeThrough(modelCatalogueSchema, payload, MAX_CATALOGUE_BYTES);
}
