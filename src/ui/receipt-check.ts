import { fromBase64, fromHex } from '#core/base/bytes';
import { cidOf, decodeCanonical } from '#core/base/canonical';
import type { ReceiptView } from '#node/page-api';

/** One signature checked in this tab with the browser's own cryptography; `null` where the browser has no Ed25519. */
export interface SignatureCheck {
  readonly keyId: string;
  readonly valid: boolean | null;
}

export interface HandCheck {
  /** The content id worked out from the bytes is the receipt's id. */
  readonly idMatches: boolean;
  readonly signatures: readonly SignatureCheck[];
  /** The signed data for reading, byte strings as hex; null when it cannot be decoded. */
  readonly body: unknown;
}

/**
 * Checks a receipt from its bytes alone: the id is the hash of the payload (CIDv1, dag-cbor, SHA-256), and each
 * signature is Ed25519 (RFC 8032) by the named key over exactly these bytes. Says nothing about whether the job was right.
 */
export async function checkByHand(receipt: ReceiptView, subtle: SubtleCrypto): Promise<HandCheck> {
  const payload = fromBase64(receipt.payload);
  if (payload === null) {
    return {
      idMatches: false,
      signatures: receipt.signatures.map(({ keyId }) => ({ keyId, valid: false })),
      body: null,
    };
  }
  const body = decodeCanonical(payload);
  const signatures: SignatureCheck[] = [];
  for (const { keyId, signature } of receipt.signatures) {
    signatures.push({ keyId, valid: await verify(subtle, keyId, payload, fromBase64(signature)) });
  }
  return { idMatches: cidOf(payload) === receipt.id, signatures, body: body.ok ? readable(body.value) : null };
}

async function verify(
  subtle: SubtleCrypto,
  keyId: string,
  payload: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer> | null,
): Promise<boolean | null> {
  const rawKey = fromHex(keyId);
  if (rawKey?.length !== 32 || signature?.length !== 64) return false;
  let key: CryptoKey;
  try {
    key = await subtle.importKey('raw', rawKey, { name: 'Ed25519' }, false, ['verify']);
  } catch (error) {
    return error instanceof DOMException && error.name === 'NotSupportedError' ? null : false;
  }
  return subtle.verify({ name: 'Ed25519' }, key, signature, payload);
}

/** JSON has no bytes: they become hex, so that a person can compare them. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (Array.isArray(value)) return value.map(readable);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
  }
  return value;
}
