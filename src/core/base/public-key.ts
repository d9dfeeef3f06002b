import { PUBLIC_KEY_BYTES } from './ids';

/** The field prime 2^255 - 19, little-endian (RFC 8032 section 5.1). */
const PRIME = Uint8Array.from([0xed, ...Array<number>(30).fill(0xff), 0x7f]);

/**
 * y coordinates of the eight points of small order, little-endian. A key among them verifies signatures that nobody
 * made.
 */
const SMALL_ORDER_Y: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];

/**
 * True for an Ed25519 public key that names one point in one way: canonical (y below the prime, RFC 8032 section 5.1.3)
 * and not of small order. Libraries disagree about exactly these keys, so every verifier of ours asks here first.
 */
export function isSoundPublicKey(key: Uint8Array): boolean {
  if (key.length !== PUBLIC_KEY_BYTES) return false;
  const y = Uint8Array.from(key);
  y[31] = y[31]! & 0x7f;
  if (!isBelow(y, PRIME)) return false;
  let text = '';
  for (const byte of y) text += byte.toString(16).padStart(2, '0');
  return !SMALL_ORDER_Y.includes(text);
}

function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = a.length - 1; i >= 0; i--) {
    if (a[i]! !== b[i]!) return a[i]! < b[i]!;
  }
  return false;
}
