import type { Chance } from '#core/base/ports';

/** Chance that repeats: SplitMix32 over a seed. Good enough for tests and simulations, worthless for secrets. */
export function createSeededChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return {
    bytes(count) {
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += 4) {
        const word = next();
        for (let i = 0; i < 4 && at + i < count; i++) bytes[at + i] = (word >>> (i * 8)) & 255;
      }
      return bytes;
    },
  };
}
