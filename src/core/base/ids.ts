import * as v from 'valibot';
import { fromHex, hex } from './bytes';

/** A node's Ed25519 public key in lower-case hex: 64 characters. It is also the node's PeerJS id. */
export type NodeId = string;

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

export const nodeIdSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a node id'));

/** CIDv1 in base32: `b` and 58 characters for dag-cbor with SHA-256. */
export const cidSchema = v.pipe(v.string(), v.regex(/^bafyrei[a-z2-7]{52}$/, 'not a content id'));

/** Ids of jobs, traces and calls: chosen by the requester, opaque to everyone else. */
export const idSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,64}$/, 'not an id'));

export const nodeIdOf = (publicKey: Uint8Array): NodeId => hex(publicKey);

export const publicKeyOf = (nodeId: NodeId): Uint8Array<ArrayBuffer> | null => {
  const key = fromHex(nodeId);
  return key?.length === PUBLIC_KEY_BYTES ? key : null;
};
