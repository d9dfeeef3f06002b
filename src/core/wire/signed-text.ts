import * as v from 'valibot';
import { base64, fromBase64, hex } from '../base/bytes';
import { decodeCanonical } from '../base/canonical';
import { cidSchema, nodeIdSchema, SIGNATURE_BYTES } from '../base/ids';
import { jsonText } from '../base/json-text';
import { fail, type Result } from '../base/result';
import { checkAgainst, parseJsonThrough } from './gate';
import { idOfSigned, signedSchema, type Signed } from './signed';

/** A payload in base64, the same for reading (some four times as long), and sixteen signatures. */
const MAX_SIGNED_TEXT_CHARACTERS = 512 * 1024;

const signedTextSchema = v.strictObject({
  id: cidSchema,
  body: v.unknown(),
  payload: v.string(),
  signatures: v.array(v.strictObject({ keyId: nodeIdSchema, signature: v.string() })),
});

/**
 * A signed body as a file: what is signed (`payload`, base64, RFC 4648) with its signatures, its content id, and `body`, the same for
 * reading. One signed body has one text.
 */
export function signedText(signed: Signed): string {
  const json = {
    id: idOfSigned(signed),
    body: readable(decoded(signed.payload)),
    payload: base64(signed.payload),
    signatures: signed.signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
  };
  return `${jsonText(json, { indent: 2, sortKeys: true })}\n`;
}

/**
 * The signed body behind its text. What stands there for reading must be what is signed, character for character: `reading_differs`
 * where it is not. Signatures are not looked at here. Other codes: those of the gate.
 */
export function signedFromText(text: string): Result<Signed> {
  const read = parseJsonThrough(signedTextSchema, text, MAX_SIGNED_TEXT_CHARACTERS);
  if (!read.ok) return read;
  const payload = fromBase64(read.value.payload);
  const signatures = read.value.signatures.map(({ keyId, signature }) => ({
    keyId,
    signature: signature.length <= SIGNATURE_BYTES * 2 ? fromBase64(signature) : null,
  }));
  if (payload === null || signatures.some(({ signature }) => signature === null))
    return fail('malformed', 'The signed data is malformed: payload or signature is not base64.');
  const signed = checkAgainst(signedSchema, { payload, signatures });
  if (!signed.ok) return signed;
  if (signedText(signed.value) !== text)
    return fail('reading_differs', 'What stands there for reading is not what was signed.');
  return signed;
}

const decoded = (payload: Uint8Array): unknown => {
  const value = decodeCanonical(payload);
  return value.ok ? value.value : null;
};

/**
 * Plain data for people: bytes become hex, and a signed body inside another one shows what it says and who signed, its bytes being in
 * the outer payload anyway.
 */
export function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(readable);
  if (value === null || typeof value !== 'object') return value;
  const inner = v.safeParse(signedSchema, value);
  const body = inner.success ? decoded(inner.output.payload) : null;
  if (inner.success && body !== null)
    return { body: readable(body), signedBy: inner.output.signatures.map(({ keyId }) => keyId) };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, readable(one)]));
}
