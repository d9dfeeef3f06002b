import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { nodeIdOf } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { SEED_BYTES } from './signer-seed';

/** PrivateKeyInfo of an Ed25519 key without its seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The same signatures as `createSeedSigner` makes of that seed, by Node's own library. Throws on another length. */
export function createNodeSigner(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) throw new Error(`A seed has ${SEED_BYTES} bytes, not ${seed.length}.`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    nodeId: nodeIdOf(spki.subarray(-32)),
    sign: async (bytes) => Uint8Array.from(sign(null, bytes, key)),
  };
}
