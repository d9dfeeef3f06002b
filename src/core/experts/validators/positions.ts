import { concat } from '../../base/bytes';
import { encodeCanonical, sha256 } from '../../base/canonical';

/** At which tokens of an answer a validator looks. Both lists ascend, and `extended` holds all of `first`. */
export interface PositionPlan {
  /** Looked at in every check; the last token of the answer is always among them. */
  readonly first: readonly number[];
  /** Looked at when the first ones leave a doubt; the same list when there are no others. */
  readonly extended: readonly number[];
}

/**
 * Answers up to this length are looked at whole: one pass gives the logits of every position, each one more costs a scan
 * over the vocabulary, and only then is a single forged token always seen.
 */
export const FIRST_POSITIONS = 256;
/**
 * For an engine that pays for every position (a forced decode each), or one with a very large vocabulary. With fewer, a liar
 * that cheats on a quarter shows nothing at all too often: of 32 tokens that miss by 15 % none does in 1 of 200 cases.
 */
export const SPARSE_FIRST_POSITIONS = 128;
/** Beyond this nothing is gained: a quarter of these shows whoever misses grossly 10 % of the time in 999 cases of 1,000. */
export const EXTENDED_POSITIONS = 512;

/**
 * The seed of one validator's draw: SHA-256 over the canonical list of what it is bound to, domain first. The commitment is
 * the executor's last word on its tokens, so the draw comes after it; the secret (32 bytes that never leave the validator)
 * keeps the executor from trying commitments until the draw suits it.
 */
export const positionSeed = (
  commitmentId: string,
  validatorSecret: Uint8Array,
  jobId: string,
): Uint8Array<ArrayBuffer> => sha256(encodeCanonical(['tabmesh/positions', 1, commitmentId, validatorSecret, jobId]));

/**
 * Draws positions for an answer of `length` tokens, its end-of-text token included: `first` of them at once (at least 2)
 * and up to `EXTENDED_POSITIONS` in doubt. The last one is always in; the others are split into stretches of equal length
 * (to within one) and each stretch gives one, so that every part of an answer is looked at alike: the law of the draw is
 * public, and a part with fewer eyes on it would be where liars cheat. `seed` is `positionSeed`; the same seed, the same plan.
 */
export function planPositions({
  length,
  seed,
  first = FIRST_POSITIONS,
}: {
  readonly length: number;
  readonly seed: Uint8Array;
  readonly first?: number;
}): PositionPlan {
  const below = drawBelow(seed);
  const all = Array.from({ length }, (_, position) => position);
  const extended = onePerStretch(all, EXTENDED_POSITIONS, below);
  return { first: onePerStretch(extended, first, below), extended };
}

/** `count` of the items, one from each of `count` − 1 stretches and the last; all items when there are no more than that. */
function onePerStretch(items: readonly number[], count: number, below: (bound: number) => number): readonly number[] {
  if (items.length <= count) return items;
  const stretches = count - 1;
  const before = items.length - 1;
  const drawn: number[] = [];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = Math.floor((stretch * before) / stretches);
    const to = Math.floor(((stretch + 1) * before) / stretches);
    drawn.push(items[from + below(to - from)]!);
  }
  return [...drawn, items[before]!];
}

/**
 * Whole numbers below a bound, each equally likely. The words are those of SHA-256(seed ‖ block as u32), blocks from 0,
 * eight big-endian words each; a word at or above the largest multiple of the bound is passed over.
 */
function drawBelow(seed: Uint8Array): (bound: number) => number {
  let block = 0;
  let at = 8;
  let words = new DataView(new ArrayBuffer(0));
  const word = (): number => {
    if (at === 8) {
      const digest = sha256(concat(seed, Uint8Array.of(block >>> 24, block >>> 16, block >>> 8, block)));
      words = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
      block++;
      at = 0;
    }
    return words.getUint32(4 * at++);
  };
  return (bound) => {
    const most = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const drawn = word();
      if (drawn < most) return drawn % bound;
    }
  };
}
