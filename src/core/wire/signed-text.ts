import * as v from 'valibot';
import { base64, fromBase64, hex } from '../base/bytes';
import { decodeCanonical } from '../base/canonical';
import { cidSchema, nodeIdSchema, SIGNATURE_BYTES } from '../base/ids';
import { jsonText } from '../base/json-text';
import { fail, type Result } from '../base/result';
import { checkAgainst } from './gate';
import { parseJsonThrough } from './parse-json-through';
import { idOfSigned, signedSchema, type Signed } from './signed';

/** A payload in base64, the same for reading (some four times as long), and sixteen signatures. */
const MAX_SIGNED_TEXT_CHARACTERS = 512 * 1024;

const signedTextSchema = v.strictObject({
  id: cidSchema,
  body: v.unknown(),
  payload: v.string(),
  signatures: v.array(v.strictObject({ keyId: nodeIdSchema, signature: v.string() })),
});

const STYLE = { sortKeys: true } as const;

/** A signed body as JSON: what is signed (`payload`, base64, RFC 4648) with its signatures, its content id, and `body`, the same for reading. */
export const signedAsJson = (signed: Signed): object => ({
  id: idOfSigned(signed),
  body: readable(decoded(signed.payload)),
  payload: base64(signed.payload),
  signatures: signed.signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
});

/** A signed body as a file. One signed body has one text. */
export const signedText = (signed: Signed): string => `${jsonText(signedAsJson(signed), { ...STYLE, indent: 2 })}\n`;

/** One row of a file of signed bodies. */
export const signedRow = (signed: Signed): string => `${jsonText(signedAsJson(signed), STYLE)}\n`;

/**
 * The signed body behind its JSON, however that was laid out. What stands there for reading must be what is signed: `reading_differs`
 * where it is not. Signatures are not looked at here. Other codes: those of the gate.
 */
export function signedFromJson(text: string): Result<Signed> {
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
  return jsonText(signedAsJson(signed.value), STYLE) === jsonText(read.value, STYLE)
    ? signed
    : fail('reading_differs', READING_DIFFERS);
}

/** The signed body behind its one text: character for character, or `reading_differs`. Other codes: those of `signedFromJson`. */
export function signedFromText(text: string): Result<Signed> {
  const signed = signedFromJson(text);
  return signed.ok && signedText(signed.value) !== text ? fail('reading_differs', READING_DIFFERS) : signed;
}

const READING_DIFFERS = 'What stands there for reading is not what was signed.';

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
  // Whole numbers that JSON readers round; as nothing they would read like what is not there.
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(readable);
  if (value === null || typeof value !== 'object') return value;
  const inner = v.safeParse(signedSchema, value);
  const body = inner.success ? decoded(inner.output.payload) : null;
  if (inner.success && body !== null)
    return { body: readable(body), signedBy: inner.output.signatures.map(({ keyId }) => keyId) };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, readable(one)]));
}
