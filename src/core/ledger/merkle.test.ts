import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, hex, utf8 } from '../base/bytes';
import {
  addLeaf,
  consistencyProof,
  EMPTY_FRONTIER,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  provesConsistency,
  provesInclusion,
  rootOf,
  rootOfLeaves,
} from './merkle';

/** The leaves and roots that Certificate Transparency's reference implementation is tested with. */
const DATA = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
/** The hashes inside the same tree of eight: of the leaves, of pairs, of fours. */
const LEAF_HASHES = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
  '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  '4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658',
  'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f',
  '46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1',
] as const;
const [PAIR_0, PAIR_1, PAIR_2, PAIR_3] = [
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
] as const;
const [FOUR_0, FOUR_1] = [
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
] as const;
/** Proofs in it that the reference implementation is tested with (its indices from 0), lowest hash first. */
const INCLUSION: readonly (readonly [index: number, length: number, proof: readonly string[]])[] = [
  [0, 1, []],
  [0, 8, [LEAF_HASHES[1], PAIR_1, FOUR_1]],
  [5, 8, [LEAF_HASHES[4], PAIR_3, FOUR_0]],
  [2, 3, [PAIR_0]],
  [1, 5, [LEAF_HASHES[0], PAIR_1, LEAF_HASHES[4]]],
];
const CONSISTENCY: readonly (readonly [first: number, second: number, proof: readonly string[]])[] = [
  [1, 1, []],
  [1, 8, [LEAF_HASHES[1], PAIR_1, FOUR_1]],
  [2, 5, [PAIR_1, LEAF_HASHES[4]]],
  [2, 8, [PAIR_1, FOUR_1]],
  [6, 7, [PAIR_2, LEAF_HASHES[6], FOUR_0]],
  [6, 8, [PAIR_2, PAIR_3, FOUR_0]],
];
const bytesOf = (texts: readonly string[]) => texts.map((text) => fromHex(text)!);
const leaves = DATA.map((text) => leafHash(fromHex(text)!));
const manyLeaves = Array.from({ length: 40 }, (_, n) => leafHash(utf8(`leaf ${n}`)));

describe('the Merkle tree of RFC 9162', () => {
  it('has the roots of the reference vectors', () => {
    ROOTS.forEach((root, length) => expect(hex(rootOfLeaves(leaves.slice(0, length)))).toBe(root));
    expect(hex(EMPTY_ROOT)).toBe(ROOTS[0]);
  });

  it('has the leaf hashes and the proofs of the reference vectors, and believes them', () => {
    expect(leaves.map(hex)).toEqual(LEAF_HASHES);
    const [hashes, roots] = [bytesOf(LEAF_HASHES), bytesOf(ROOTS)];
    for (const [index, length, proof] of INCLUSION) {
      expect(inclusionProof(leaves.slice(0, length), index).map(hex)).toEqual(proof);
      expect(provesInclusion(hashes[index]!, index, length, bytesOf(proof), roots[length]!)).toBe(true);
    }
    for (const [first, second, proof] of CONSISTENCY) {
      expect(consistencyProof(leaves.slice(0, second), first).map(hex)).toEqual(proof);
      expect(provesConsistency(first, second, bytesOf(proof), roots[first]!, roots[second]!)).toBe(true);
    }
  });

  it('believes no proof of the reference vectors for another place, length, leaf or root, nor changed in one byte', () => {
    const [hashes, roots] = [bytesOf(LEAF_HASHES), bytesOf(ROOTS)];
    const changes = (proof: readonly string[]) => {
      const own = bytesOf(proof);
      const flipped = own.map((hash, at) => own.with(at, hash.with(31, hash[31]! ^ 1)));
      return [...flipped, [...own, hashes[7]!], [hashes[7]!, ...own], ...own.map((_, at) => own.toSpliced(at, 1))];
    };
    for (const [index, length, proof] of INCLUSION) {
      const [own, leaf, root] = [bytesOf(proof), hashes[index]!, roots[length]!];
      for (const other of [-1, index + 1, length, index + 0.5, Number.NaN])
        expect(provesInclusion(leaf, other, length, own, root)).toBe(false);
      for (const other of [0, index, length * 2 + 1])
        expect(provesInclusion(leaf, index, other, own, root)).toBe(false);
      expect(provesInclusion(hashes[7]!, index, length, own, root)).toBe(false);
      expect(provesInclusion(leaf, index, length, own, roots[0]!)).toBe(false);
      for (const bad of changes(proof)) expect(provesInclusion(leaf, index, length, bad, root)).toBe(false);
    }
    for (const [first, second, proof] of CONSISTENCY) {
      const own = bytesOf(proof);
      expect(provesConsistency(first, second, own, roots[0]!, roots[second]!)).toBe(false);
      expect(provesConsistency(first, second, own, roots[first]!, roots[0]!)).toBe(false);
      expect(provesConsistency(first, second * 2 + 1, own, roots[first]!, roots[second]!)).toBe(false);
      for (const bad of changes(proof))
        expect(provesConsistency(first, second, bad, roots[first]!, roots[second]!)).toBe(false);
    }
  });

  it('grows leaf by leaf in logarithmic space to the same root', () => {
    let frontier = EMPTY_FRONTIER;
    manyLeaves.forEach((leaf, at) => {
      frontier = addLeaf(frontier, leaf);
      expect(frontier.roots.length).toBeLessThanOrEqual(Math.log2(at + 1) + 1);
      expect(hex(rootOf(frontier))).toBe(hex(rootOfLeaves(manyLeaves.slice(0, at + 1))));
    });
  });

  it('proves every leaf at its place, and at no other', () => {
    for (let length = 1; length <= 20; length++) {
      const tree = manyLeaves.slice(0, length);
      const root = rootOfLeaves(tree);
      for (let index = 0; index < length; index++) {
        const proof = inclusionProof(tree, index);
        expect(provesInclusion(tree[index]!, index, length, proof, root)).toBe(true);
        for (let other = 0; other < length; other++)
          if (other !== index) expect(provesInclusion(tree[index]!, other, length, proof, root)).toBe(false);
        expect(provesInclusion(manyLeaves[30]!, index, length, proof, root)).toBe(false);
      }
    }
  });

  it('proves every beginning of a log, and nothing that is none', () => {
    for (let second = 0; second <= 20; second++) {
      const tree = manyLeaves.slice(0, second);
      for (let first = 0; first <= second; first++) {
        const [a, b] = [rootOfLeaves(tree.slice(0, first)), rootOfLeaves(tree)];
        const proof = consistencyProof(tree, first);
        expect(provesConsistency(first, second, proof, a, b)).toBe(true);
        if (first > 0) {
          const forged = rootOfLeaves([manyLeaves[30]!, ...tree.slice(1, first)]);
          expect(provesConsistency(first, second, proof, forged, b)).toBe(false);
        }
      }
    }
  });

  it('believes no altered, shortened or lengthened proof', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 2 }),
        (n, i, at, how) => {
          const tree = manyLeaves.slice(0, n);
          const [index, root] = [i % n, rootOfLeaves(tree)];
          const proof = inclusionProof(tree, index).map((hash) => Uint8Array.from(hash));
          if (how === 0) proof[at % proof.length]![0]! ^= 1;
          else if (how === 1) proof.splice(at % proof.length, 1);
          else proof.push(manyLeaves[0]!);
          expect(provesInclusion(tree[index]!, index, n, proof, root)).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});
