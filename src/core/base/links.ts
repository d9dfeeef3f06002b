import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { sha256 } from './canonical';

/** Multiformats codec of bytes that nobody reads further into. */
const RAW = 0x55;
const SHA2_256 = 0x12;

/** CIDv1 (raw, sha2-256) of any bytes, in base32 text form: `bafkrei` and 52 more characters. */
export const rawCidOf = (bytes: Uint8Array): string =>
  CID.createV1(RAW, Digest.create(SHA2_256, sha256(bytes))).toString();

/** A content id as canonical bytes hold it: a link (CBOR tag 42). Throws on a text that is none, which is our own bug. */
export const linkTo = (cid: string): object => CID.parse(cid);

/** The content id behind a decoded link, or null for anything else. */
export function linkText(value: unknown): string | null {
  const link = CID.asCID(value);
  return link === null ? null : link.toString();
}
