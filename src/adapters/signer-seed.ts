import { ed25519 } from '@noble/curves/ed25519.js';
import { nodeIdOf } from '#core/base/ids';
import type { Signer } from '#core/base/ports';

export const SEED_BYTES = 32;

/**
 * Ed25519 from a seed (RFC 8032 section 5.1.5), for keys that must be made again from their seed: invites, identities,
 * servers and tests. The seed is copied; wiping the caller's array afterwards is safe. Throws on another length.
 */
export function createSeedSigner(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) throw new Error(`A seed has ${SEED_BYTES} bytes, not ${seed.length}.`);
  const secret = Uint8Array.from(seed);
  const nodeId = nodeIdOf(ed25519.getPublicKey(secret));
  return {
    nodeId,
    sign: async (bytes) => ed25519.sign(bytes, secret) as Uint8Array<ArrayBuffer>,
  };
}
