import { ed25519 } from '@noble/curves/ed25519.js';
import { equalBytes } from '#core/base/bytes';
import { publicKeyOf, SIGNATURE_BYTES } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import { isSoundPublicKey } from '#core/base/public-key';
import { concat } from '#core/base/bytes';
import { sha512 } from '@noble/hashes/sha2.js';

const { Point } = ed25519;

/**
 * Ed25519 in plain code, for runtimes whose WebCrypto has none. It checks the equation without the cofactor
 * (RFC 8032 section 5.1.7 allows both), exactly as the platforms' libraries do, so that no signature is good on one node and
 * bad on another.
 */
export function createVerify(): Verify {
  return async (nodeId, bytes, signature) => {
    const key = publicKeyOf(nodeId);
    if (key === null || !isSoundPublicKey(key) || signature.length !== SIGNATURE_BYTES) return false;
    try {
      const r = signature.subarray(0, 32);
      const s = littleEndian(signature.subarray(32));
      if (s >= Point.Fn.ORDER) return false;
      const k = littleEndian(sha512(concat(r, key, bytes))) % Point.Fn.ORDER;
      const a = Point.fromBytes(key);
      const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
      return equalBytes(expected.toBytes(), r);
    } catch {
      return false;
    }
  };
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}
