import { concat, equalBytes } from '../base/bytes';
import { sha256 } from '../base/canonical';

/** Merkle trees over append-only logs, as in RFC 9162 section 2.1 (Certificate Transparency 2.0), with SHA-256. */

type Hash = Uint8Array<ArrayBuffer>;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Root of the tree without leaves: SHA-256 of nothing (section 2.1.1). */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));

export const leafHash = (data: Uint8Array): Hash => sha256(concat(LEAF, data));
const nodeHash = (left: Uint8Array, right: Uint8Array): Hash => sha256(concat(NODE, left, right));

/**
 * The roots of the complete subtrees that make up a tree, largest first: all that is needed to add leaves and to know the
 * root, in space that grows with the logarithm of the length.
 */
export interface Frontier {
  readonly length: number;
  readonly roots: readonly Hash[];
}

export const EMPTY_FRONTIER: Frontier = { length: 0, roots: [] };

/** The tree with one leaf more, given by its hash. */
export function addLeaf({ length, roots }: Frontier, leaf: Uint8Array): Frontier {
  const next = [...roots];
  let merged: Hash = Uint8Array.from(leaf);
  // Two complete subtrees of one size become one of twice the size.
  for (let size = length; size % 2 === 1; size = (size - 1) / 2) merged = nodeHash(next.pop()!, merged);
  next.push(merged);
  return { length: length + 1, roots: next };
}

export function rootOf({ roots }: Frontier): Hash {
  const last = roots.at(-1);
  if (last === undefined) return EMPTY_ROOT;
  return roots.slice(0, -1).reduceRight<Hash>((right, left) => nodeHash(left, right), last);
}

const treeOf = (leaves: readonly Uint8Array[]): Frontier => leaves.reduce<Frontier>(addLeaf, EMPTY_FRONTIER);

/** Root over leaf hashes. */
export const rootOfLeaves = (leaves: readonly Uint8Array[]): Hash => rootOf(treeOf(leaves));

/** The largest power of two below `n`, for `n` above 1. */
function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Section 2.1.3.1: the hashes that lead from the leaf at `index` to the root of all `leaves`, lowest first. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): readonly Hash[] {
  if (leaves.length <= 1) return [];
  const k = splitOf(leaves.length);
  return index < k
    ? [...inclusionProof(leaves.slice(0, k), index), rootOfLeaves(leaves.slice(k))]
    : [...inclusionProof(leaves.slice(k), index - k), rootOfLeaves(leaves.slice(0, k))];
}

/** Section 2.1.3.2: whether the proof shows that the leaf stands at `index` of the tree of `length` leaves with that root. */
export function provesInclusion(
  leaf: Uint8Array,
  index: number,
  length: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(length) || index < 0 || index >= length) return false;
  let [fn, sn] = [index, length - 1];
  let hash: Uint8Array = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else hash = nodeHash(hash, sibling);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(hash, root);
}

/** Section 2.1.4.1: what shows that the first `length` of the leaves are a beginning of all of them. */
export function consistencyProof(leaves: readonly Uint8Array[], length: number): readonly Hash[] {
  if (length === 0 || length === leaves.length) return [];
  return subProof(leaves, length, true);
}

function subProof(leaves: readonly Uint8Array[], m: number, complete: boolean): readonly Hash[] {
  const n = leaves.length;
  if (m === n) return complete ? [] : [rootOfLeaves(leaves)];
  const k = splitOf(n);
  return m <= k
    ? [...subProof(leaves.slice(0, k), m, complete), rootOfLeaves(leaves.slice(k))]
    : [...subProof(leaves.slice(k), m - k, false), rootOfLeaves(leaves.slice(0, k))];
}

/** Section 2.1.4.2: whether the proof shows that the tree with `secondRoot` continues the one with `firstRoot`. */
export function provesConsistency(
  first: number,
  second: number,
  proof: readonly Uint8Array[],
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second) || first < 0 || first > second) return false;
  if (first === second) return proof.length === 0 && equalBytes(firstRoot, secondRoot);
  if (first === 0) return proof.length === 0 && equalBytes(firstRoot, EMPTY_ROOT);
  // A complete first tree is itself a node of the second one, and is not repeated in the proof.
  const path = Number.isInteger(Math.log2(first)) ? [firstRoot, ...proof] : [...proof];
  const start = path.shift();
  if (start === undefined) return false;
  let [fn, sn] = [first - 1, second - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr]: [Uint8Array, Uint8Array] = [start, start];
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(sibling, fr), nodeHash(sibling, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(sr, sibling);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(fr, firstRoot) && equalBytes(sr, secondRoot);
}

const half = (n: number): number => Math.floor(n / 2);
