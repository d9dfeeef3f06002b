import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex, utf8 } from '#core/base/bytes';
import { sha512 } from '@noble/hashes/sha2.js';
import { createNodeSigner } from './signer-node';
import { createSeedSigner } from './signer-seed';
import { createVerify as createNoble } from './verify-noble';
import { createVerify as createNode } from './verify-node';
import { createVerify as createWebCrypto } from './verify-webcrypto';

/** RFC 8032 section 7.1: seed, public key, message, signature. */
const VECTORS = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

const bytes = (text: string): Uint8Array<ArrayBuffer> => fromHex(text)!;
const ORDER = ed25519.Point.Fn.ORDER;

function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++) out[i] = Number((value >> BigInt(8 * i)) & 255n);
  return out;
}

const number = (data: Uint8Array): bigint => [...data].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

describe.each([
  ['noble', createNoble],
  ['node', createNode],
  ['webcrypto', () => createWebCrypto()],
])('verify with %s', (_name, create) => {
  const verify = create();

  test('accepts the vectors of RFC 8032, which both signers make too', async () => {
    for (const [seed, key, message, signature] of VECTORS) {
      expect(await verify(key, bytes(message), bytes(signature))).toBe(true);
      for (const signer of [createSeedSigner(bytes(seed)), createNodeSigner(bytes(seed))]) {
        expect(signer.nodeId).toBe(key);
        expect(hex(await signer.sign(bytes(message)))).toBe(signature);
      }
    }
  });

  test('refuses a changed message, signature or key', async () => {
    const [, key, message, signature] = VECTORS[2];
    expect(await verify(key, bytes('af83'), bytes(signature))).toBe(false);
    expect(await verify(VECTORS[0][1], bytes(message), bytes(signature))).toBe(false);
    for (let at = 0; at < 64; at += 7) {
      const changed = bytes(signature);
      changed[at] = changed[at]! ^ 1;
      expect(await verify(key, bytes(message), changed)).toBe(false);
    }
  });

  test('malformed input is false, never a throw', async () => {
    const [, key, message, signature] = VECTORS[1];
    for (const bad of ['', 'zz', key.slice(2), `${key}00`, key.toUpperCase(), 'é'.repeat(64)]) {
      expect(await verify(bad, bytes(message), bytes(signature))).toBe(false);
    }
    for (const size of [0, 1, 63, 65, 128]) {
      expect(await verify(key, bytes(message), new Uint8Array(size))).toBe(false);
    }
  });

  test('refuses keys of small order, with which anyone could sign', async () => {
    const identity = littleEndian(1n);
    // s = 0 and R = A = the identity satisfy the equation for every message.
    const forged = concat(identity, new Uint8Array(32));
    expect(await verify(hex(identity), utf8('anything'), forged)).toBe(false);
    for (const y of [
      'ec' + 'ff'.repeat(30) + '7f',
      '00'.repeat(32),
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    ]) {
      expect(await verify(y, utf8('anything'), forged)).toBe(false);
    }
  });

  test('refuses a key or a signature that is not canonical', async () => {
    const [, key, message, signature] = VECTORS[1];
    const prime = 2n ** 255n - 19n;
    for (const extra of [0n, 1n, 5n, 18n]) {
      expect(await verify(hex(littleEndian(prime + extra)), bytes(message), bytes(signature))).toBe(false);
    }
    // S + L is the same number modulo L (RFC 8032 section 8.4).
    const good = bytes(signature);
    const s = number(good.subarray(32));
    expect(await verify(key, bytes(message), concat(good.subarray(0, 32), littleEndian(s + ORDER)))).toBe(false);
  });

  test('refuses a signature that only the equation with the cofactor accepts', async () => {
    const { Point } = ed25519;
    const torsion = Point.fromBytes(bytes('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
    const secret = 7n;
    const key = Point.BASE.multiply(secret).toBytes();
    const r = Point.BASE.multiply(11n).add(torsion).toBytes();
    const message = utf8('mixed order');
    const k = number(sha512(concat(r, key, message))) % ORDER;
    const signature = concat(r, littleEndian((11n + k * secret) % ORDER));
    expect(ed25519.verify(signature, message, key, { zip215: false })).toBe(true);
    expect(await verify(hex(key), message, signature)).toBe(false);
  });
});

test('the fallback is loaded only where the platform has no Ed25519', async () => {
  let loaded = 0;
  const verify = createWebCrypto(async () => {
    loaded++;
    return createNoble();
  });
  const [, key, message, signature] = VECTORS[0];
  expect(await verify(key, bytes(message), bytes(signature))).toBe(true);
  expect(loaded).toBe(0);

  const original = crypto.subtle.importKey;
  crypto.subtle.importKey = () => Promise.reject(new DOMException('no such algorithm', 'NotSupportedError'));
  try {
    const without = createWebCrypto(async () => {
      loaded++;
      return createNoble();
    });
    expect(await without(key, bytes(message), bytes(signature))).toBe(true);
    expect(await without(key, bytes('00'), bytes(signature))).toBe(false);
    expect(loaded).toBe(1);
  } finally {
    crypto.subtle.importKey = original;
  }
});
