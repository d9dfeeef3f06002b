import * as writer from '@ipld/car/buffer-writer';
import { CID } from 'multiformats/cid';
import { concat, equalBytes } from './bytes';
import { encodeCanonical } from './canonical';

/**
 * CARv1, the file form of content-addressed blocks (ipld.io/specs/transport/car/carv1): a header that names one root, then
 * the blocks, each behind its length and its content id. Only CIDv1 with SHA-256 is written and read.
 */
export interface CarBlock {
  readonly cid: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A block as it was found: `cid` is what the file says, whether or not the bytes have it. */
export interface FoundBlock extends CarBlock {
  /** Where the block's frame begins in the file. */
  readonly at: number;
}

export interface CarReading {
  /** Null when the header could not be read. */
  readonly root: string | null;
  readonly blocks: readonly FoundBlock[];
  /** Where reading had to stop: in the header (`block` is null) or in the frame of a block, counted from 0. */
  readonly fault: { readonly block: number | null; readonly at: number } | null;
}

/** Version, codec, hash and length of the hash: raw and dag-cbor are the only codecs here. */
const CID_PREFIXES: readonly (readonly number[])[] = [
  [0x01, 0x55, 0x12, 0x20],
  [0x01, 0x71, 0x12, 0x20],
];
const CID_BYTES = 36;
/** A length that needs more than this many bytes is larger than any file that is read here. */
const MAX_LENGTH_BYTES = 4;

/** The file of these blocks. The same root and blocks give the same bytes. */
export function writeCar(root: string, blocks: readonly CarBlock[]): Uint8Array<ArrayBuffer> {
  const roots = [CID.parse(root)];
  const parsed = blocks.map(({ cid, bytes }) => ({ cid: CID.parse(cid), bytes }));
  const headerSize = writer.headerLength({ roots });
  const size = parsed.reduce((sum, block) => sum + writer.blockLength(block), headerSize);
  const car = writer.createWriter(new ArrayBuffer(size), { roots, headerSize });
  for (const block of parsed) car.write(block);
  return Uint8Array.from(car.close());
}

/**
 * Reads what can be read, strictly: the one header that a single root has, shortest lengths, known content ids, nothing
 * after the last block. Never throws and makes no copy; whether the bytes of a block have its content id is not looked at.
 */
export function readCar(bytes: Uint8Array<ArrayBuffer>, maxBlocks: number): CarReading {
  const header = headerAround(bytes);
  if (header === null) return { root: null, blocks: [], fault: { block: null, at: 0 } };
  const blocks: FoundBlock[] = [];
  let at = header.length;
  while (at < bytes.length) {
    const fault = { block: blocks.length, at };
    const length = blocks.length < maxBlocks ? lengthAt(bytes, at) : null;
    if (length === null) return { root: header.root, blocks, fault };
    const from = at + length.size;
    const cid = cidAt(bytes, from);
    if (cid === null || length.value < CID_BYTES || length.value > bytes.length - from) {
      return { root: header.root, blocks, fault };
    }
    blocks.push({ cid, at, bytes: bytes.subarray(from + CID_BYTES, from + length.value) });
    at = from + length.value;
  }
  return { root: header.root, blocks, fault: null };
}

/** The header has one size for one root: whatever differs from what the root there would be written as is damage. */
function headerAround(bytes: Uint8Array): { readonly root: string; readonly length: number } | null {
  const length = lengthAt(bytes, 0);
  if (length === null || length.value < CID_BYTES || length.value > bytes.length - length.size) return null;
  // {"roots":[link],"version":1}: the link's bytes end where the key "version" begins.
  const tail = encodeCanonical('version').length + 1;
  const root = cidAt(bytes, length.size + length.value - tail - CID_BYTES);
  if (root === null) return null;
  const body = encodeCanonical({ roots: [CID.parse(root)], version: 1 });
  const expected = concat(Uint8Array.of(body.length), body);
  return equalBytes(expected, bytes.subarray(0, expected.length)) ? { root, length: expected.length } : null;
}

/** An unsigned LEB128 number in its shortest form, or null. */
function lengthAt(bytes: Uint8Array, at: number): { readonly value: number; readonly size: number } | null {
  let value = 0;
  for (let size = 0; size < MAX_LENGTH_BYTES; size++) {
    const byte = bytes[at + size];
    if (byte === undefined) return null;
    value += (byte & 0x7f) << (7 * size);
    if (byte < 0x80) return byte === 0 ? null : { value, size: size + 1 };
  }
  return null;
}

function cidAt(bytes: Uint8Array, at: number): string | null {
  const found = bytes.subarray(Math.max(0, at), at + CID_BYTES);
  if (found.length < CID_BYTES) return null;
  if (!CID_PREFIXES.some((prefix) => prefix.every((byte, index) => byte === found[index]))) return null;
  return CID.decode(found).toString();
}
