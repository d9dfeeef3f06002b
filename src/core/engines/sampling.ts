import { concat } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import type { NodeId } from '../base/ids';

/**
 * How tokens are drawn so that another node can check the draw: by Gumbel-max over raw logits with noise that follows
 * from a seed (Token-DiFR, arXiv 2511.20621). Temperature 0, or no sampling at all, is plain argmax.
 */
export interface Sampling {
  /** 0 to 2: the noise is scaled by it, the logits stay raw. */
  readonly temperature: number;
  /** Seeds by the position of the answer from which they hold, ascending, the first at 0: an answer may have several executors. */
  readonly seeds: readonly SeedFrom[];
}

export interface SeedFrom {
  readonly from: number;
  /** 32 bytes of `samplingSeed`. */
  readonly seed: Uint8Array;
}

/** Only the most likely tokens take part in the draw. A nucleus (top-p) is not used: its edge moves with rounding. */
export const TOP_K = 64;
/** A claimed token that rounding pushed over the edge of the draw is still honest up to this rank. */
export const TOP_K_TOLERANCE = 8;

/** What the seed is bound to: no party chooses all of it, and no two executors share one. */
export interface SeedParts {
  /** Chosen by the requester before it knows who will answer. */
  readonly nonce: Uint8Array;
  readonly jobId: string;
  readonly executor: NodeId;
  readonly modelHash: string;
}

/** The seed of one executor's part of one answer: SHA-256 over the canonical list of what it is bound to, domain first. */
export const samplingSeed = ({ nonce, jobId, executor, modelHash }: SeedParts): Uint8Array<ArrayBuffer> =>
  sha256(encodeCanonical(['tabmesh/sampling', 1, nonce, jobId, executor, modelHash]));

/** The seed that holds at a position. */
export function seedAt({ seeds }: Sampling, position: number): Uint8Array {
  let found = seeds[0]!.seed;
  for (const { from, seed } of seeds) if (from <= position) found = seed;
  return found;
}

/**
 * Gumbel noise at one position: a function of the token id, about 2.3 for the likeliest draw. The key of a position is
 * SHA-256(seed ‖ position as u32), so that any position can be checked alone; per token it is mixed by MurmurHash3's finaliser.
 * The seed is known to the executor, so the mixing must be even, not secret.
 */
export function gumbelNoiseAt(seed: Uint8Array, position: number): (tokenId: number) => number {
  const key = sha256(concat(seed, Uint8Array.of(position >>> 24, position >>> 16, position >>> 8, position)));
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const [a, b, c, d] = [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
  return (tokenId) => {
    const word = mix(mix(mix((tokenId ^ a) >>> 0) ^ b) ^ c) ^ d;
    // The open interval: neither logarithm sees 0.
    const uniform = ((word >>> 0) + 0.5) / 0x1_0000_0000;
    return -Math.log(-Math.log(uniform));
  };
}

/** `fmix32` of MurmurHash3. */
function mix(value: number): number {
  let word = value >>> 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** The ids of the `count` largest logits, largest first; of equals the lowest id first. Costs one scan and a small heap. */
export function topIds(logits: Float32Array, count: number): number[] {
  const heap: number[] = [];
  /** True when `x` comes before `y` among the largest. */
  const before = (x: number, y: number): boolean => logits[x]! > logits[y]! || (logits[x] === logits[y] && x < y);
  const sink = (from: number): void => {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const last = right < heap.length && before(heap[left]!, heap[right]!) ? right : left;
      if (!before(heap[at]!, heap[last]!)) return;
      [heap[at], heap[last]] = [heap[last]!, heap[at]!];
      at = last;
    }
  };
  // The root is the last of those kept.
  for (let id = 0; id < logits.length; id++) {
    if (heap.length < count) {
      heap.push(id);
      if (heap.length === count) for (let at = (count >> 1) - 1; at >= 0; at--) sink(at);
    } else if (before(id, heap[0]!)) {
      heap[0] = id;
      sink(0);
    }
  }
  return heap.sort((x, y) => (before(x, y) ? -1 : 1));
}
