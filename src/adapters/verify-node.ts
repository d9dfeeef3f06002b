import { createPublicKey, verify as verifyNow, type KeyObject } from 'node:crypto';
import { publicKeyOf, SIGNATURE_BYTES, type NodeId } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import { isSoundPublicKey } from '#core/base/public-key';

/** SubjectPublicKeyInfo of an Ed25519 key without its 32 bytes (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
/** Parsed keys that are kept: a mesh of one process has a few hundred. */
const MAX_KEYS = 1_024;

/**
 * Ed25519 by Node's own library, some twenty times as fast as plain code. It answers without leaving the turn, so what follows
 * comes in the same order in every run.
 */
export function createVerify(): Verify {
  const keys = new Map<NodeId, KeyObject | null>();

  function keyOf(nodeId: NodeId): KeyObject | null {
    const known = keys.get(nodeId);
    if (known !== undefined) return known;
    const raw = publicKeyOf(nodeId);
    let key: KeyObject | null = null;
    if (raw !== null && isSoundPublicKey(raw))
      key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
    if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!);
    keys.set(nodeId, key);
    return key;
  }

  return async (nodeId, bytes, signature) => {
    const key = keyOf(nodeId);
    return key !== null && signature.length === SIGNATURE_BYTES && verifyNow(null, bytes, key, signature);
  };
}
