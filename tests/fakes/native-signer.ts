import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, fromHex, utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { nodeIdOf } from '#core/base/ids';
import type { Signer } from '#core/base/ports';

/** What stands before the 32 bytes of an Ed25519 seed in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420')!;

/**
 * The key that `signerNamed` makes of a name, in the hands of the platform (WebCrypto): a tenth of the time that plain code takes, for tests
 * that sign a lot.
 */
export function nativeSignerNamed(name: string): Signer {
  const seed = sha256(utf8(`test/${name}`));
  const imported = crypto.subtle.importKey('pkcs8', concat(PKCS8_PREFIX, seed), 'Ed25519', false, ['sign']);
  return {
    nodeId: nodeIdOf(ed25519.getPublicKey(seed)),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign('Ed25519', await imported, bytes as BufferSource)),
  };
}
