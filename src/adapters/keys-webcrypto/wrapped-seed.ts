import type { Chance } from '#core/base/ports';

export const SEED_BYTES = 32;
/** NIST SP 800-38D section 8.2.1. */
const NONCE_BYTES = 12;

/** A seed at rest: encrypted with an AES-256-GCM key that this browser keeps and never gives out. */
export interface WrappedSeed {
  readonly wrappingKey: CryptoKey;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** A fresh wrapping key per seed, so that a nonce is used once by construction. */
export async function wrapSeed(seed: Uint8Array, chance: Chance): Promise<WrappedSeed> {
  const wrappingKey = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const nonce = chance.bytes(NONCE_BYTES);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, wrappingKey, Uint8Array.from(seed));
  return { wrappingKey, nonce, ciphertext: new Uint8Array(sealed) };
}

/** Null when the record is not whole: browsers are known to give back rows without their keys. */
export async function unwrapSeed(wrapped: unknown): Promise<Uint8Array<ArrayBuffer> | null> {
  const { wrappingKey, nonce, ciphertext } = (wrapped ?? {}) as Partial<WrappedSeed>;
  if (wrappingKey === undefined || nonce === undefined || ciphertext === undefined) return null;
  try {
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, wrappingKey, ciphertext);
    return plain.byteLength === SEED_BYTES ? new Uint8Array(plain) : null;
  } catch {
    return null;
  }
}
