import * as dagCbor from '@ipld/dag-cbor';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { equalBytes } from './bytes';
import { fail, ok, type Result } from './result';

const SHA2_256 = 0x12;

export const sha256 = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => nobleSha256(bytes) as Uint8Array<ArrayBuffer>;

/** SHA-256 over bytes that come one after the other, for what does not fit in memory. `digest` ends it. */
export interface RunningSha256 {
  update(bytes: Uint8Array): void;
  /** The same bytes so far; what comes after goes to each alone. */
  fork(): RunningSha256;
  digest(): Uint8Array<ArrayBuffer>;
}

export const createSha256 = (): RunningSha256 => running(nobleSha256.create());

const running = (hash: ReturnType<typeof nobleSha256.create>): RunningSha256 => ({
  update: (bytes) => void hash.update(bytes),
  fork: () => running(hash.clone()),
  digest: () => hash.digest() as Uint8Array<ArrayBuffer>,
});

/**
 * Canonical bytes of plain data: strict DAG-CBOR (sorted keys, shortest integers, no undefined, floats as 64 bit).
 * Throws on values that DAG-CBOR cannot hold (undefined, functions, NaN): that is our own bug, never a peer's.
 */
export function encodeCanonical(value: unknown): Uint8Array<ArrayBuffer> {
  const bytes = dagCbor.encode(value) as Uint8Array<ArrayBuffer>;
  // In Node the encoder hands out a Buffer, whose `slice` shares memory; everyone else expects a plain array.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes DAG-CBOR and refuses bytes that are not the canonical form of what they decode to, so that one meaning has
 * one encoding and a content id cannot be forged by re-encoding.
 */
export function decodeCanonical(bytes: Uint8Array): Result<unknown> {
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
    if (!equalBytes(dagCbor.encode(value), bytes)) return fail('not_canonical', 'The data is not in canonical form.');
  } catch {
    return fail('undecodable', 'The data could not be decoded.');
  }
  return ok(value);
}

/**
 * The same for bytes that this node encoded itself and kept: that they are in canonical form is not asked again, which is more than
 * half of the time where they are many. Never for bytes from outside.
 */
export function decodeOwn(bytes: Uint8Array): Result<unknown> {
  try {
    return ok(dagCbor.decode(bytes));
  } catch {
    return fail('undecodable', 'The data could not be decoded.');
  }
}

/** CIDv1 (dag-cbor, sha2-256) of canonical bytes, in base32 text form. */
export const cidOf = (canonicalBytes: Uint8Array): string =>
  CID.createV1(dagCbor.code, Digest.create(SHA2_256, sha256(canonicalBytes))).toString();
