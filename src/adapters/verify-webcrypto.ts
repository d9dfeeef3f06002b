import { publicKeyOf, SIGNATURE_BYTES, type NodeId } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import { isSoundPublicKey } from '#core/base/public-key';

/** Imported keys kept at most: a node hears from a few hundred peers, and importing costs more than verifying. */
const MAX_KEPT_KEYS = 512;

/**
 * Ed25519 by the platform (WebCrypto, "Secure Curves"). Where it has none, the fallback is loaded once; a page that does
 * not need it never fetches it. With neither, no signature counts as valid.
 */
export function createVerify(loadFallback: () => Promise<Verify> = async () => async () => false): Verify {
  const keyById = new Map<NodeId, CryptoKey>();
  let chosen: Promise<Verify> | null = null;

  const verifyNatively: Verify = async (nodeId, bytes, signature) => {
    const raw = publicKeyOf(nodeId);
    if (raw === null || !isSoundPublicKey(raw) || signature.length !== SIGNATURE_BYTES) return false;
    try {
      let key = keyById.get(nodeId);
      if (key === undefined) {
        key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
        keyById.set(nodeId, key);
        if (keyById.size > MAX_KEPT_KEYS) keyById.delete(keyById.keys().next().value!);
      }
      return await crypto.subtle.verify('Ed25519', key, plain(signature), plain(bytes));
    } catch {
      return false;
    }
  };

  return async (nodeId, bytes, signature) => {
    chosen ??= platformHasEd25519().then((has) => (has ? verifyNatively : loadFallback()));
    return (await chosen)(nodeId, bytes, signature);
  };
}

/** The public key of RFC 8032 section 7.1, test 1: any good key would do. */
const KNOWN_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

async function platformHasEd25519(): Promise<boolean> {
  try {
    await crypto.subtle.importKey('raw', publicKeyOf(KNOWN_KEY)!, 'Ed25519', false, ['verify']);
    return true;
  } catch {
    return false;
  }
}

/** WebCrypto takes no view of a shared buffer. */
const plain = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
