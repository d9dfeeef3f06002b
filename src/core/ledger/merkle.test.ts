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
const leaves = DATA.map((text) => leafHash(fromHex(text)!));
const manyLeaves = Array.from({ length: 40 }, (_, n) => leafHash(utf8(`leaf ${n}`)));

describe('the Merkle tree of RFC 9162', () => {
  it('has the roots of the reference vectors', () => {
    ROOTS.forEach((root, length) => expect(hex(rootOfLeaves(leaves.slice(0, length)))).toBe(root));
    expect(hex(EMPTY_ROOT)).toBe(ROOTS[0]);
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
