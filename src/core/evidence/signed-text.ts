import * as v from 'valibot';
import { base64, fromBase64, hex } from '../base/bytes';
import { decodeCanonical } from '../base/canonical';
import { cidSchema, nodeIdSchema, SIGNATURE_BYTES } from '../base/ids';
import { jsonText } from '../base/json-text';
import { fail, ok, type Result } from '../base/result';
import { parseJsonThrough } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { idOfSigned, type Signed } from '../wire/signed';

/** Base64 takes four characters for three bytes. */
const MAX_PAYLOAD_CHARACTERS = Math.ceil(MAX_SIGNED_BYTES / 3) * 4;
/** Payload in base64, the same for reading, and sixteen signatures. */
const MAX_TEXT_CHARACTERS = 256 * 1024;

const signedTextSchema = v.strictObject({
  id: cidSchema,
  body: v.unknown(),
  payload: v.pipe(v.string(), v.maxLength(MAX_PAYLOAD_CHARACTERS)),
  signatures: v.pipe(
    v.array(v.strictObject({ keyId: nodeIdSchema, signature: v.pipe(v.string(), v.maxLength(SIGNATURE_BYTES * 2)) })),
    v.minLength(1),
    v.maxLength(16),
  ),
});

/** A signed body as JSON: what is signed (`payload`, base64) with its signatures, its id, and `body`, the same for reading. */
export function signedAsJson(signed: Signed): object {
  const body = decodeCanonical(signed.payload);
  return {
    id: idOfSigned(signed),
    body: body.ok ? readable(body.value) : null,
    payload: base64(signed.payload),
    signatures: signed.signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
  };
}

/** One row of a file of signed statements. */
export const signedRow = (signed: Signed): string => `${jsonText(signedAsJson(signed), { sortKeys: true })}\n`;

/**
 * The signed body behind its JSON text. What stands there for reading must be what is signed: `reading_differs` when it is not.
 * Signatures are not looked at here. Other codes: those of the gate.
 */
export function signedFromText(text: string): Result<Signed> {
  const read = parseJsonThrough(signedTextSchema, text, MAX_TEXT_CHARACTERS);
  if (!read.ok) return read;
  const payload = fromBase64(read.value.payload);
  const signatures = read.value.signatures.map(({ keyId, signature }) => ({ keyId, signature: fromBase64(signature) }));
  if (payload === null || signatures.some(({ signature }) => signature?.length !== SIGNATURE_BYTES)) {
    return fail('malformed', 'The signed data is malformed: payload or signature is not base64.');
  }
  const signed = { payload, signatures } as Signed;
  const style = { sortKeys: true } as const;
  if (jsonText(signedAsJson(signed), style) !== jsonText(read.value, style)) {
    return fail('reading_differs', 'What stands there for reading is not what was signed.');
  }
  return ok(signed);
}

/** JSON has no bytes: they become hex, so that a person can compare them. */
export function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(readable);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
}
