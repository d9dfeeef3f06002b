import { hex } from './bytes';
import type { Chance } from './ports';

/** An unsigned 32-bit integer. */
export function uint32(chance: Chance): number {
  const [a, b, c, d] = chance.bytes(4);
  return ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
}

/** A fraction in [0, 1). */
export const fraction = (chance: Chance): number => uint32(chance) / 0x1_0000_0000;

/** One of `items`, uniformly; undefined when there are none. */
export const pick = <T>(chance: Chance, items: readonly T[]): T | undefined =>
  items[Math.floor(fraction(chance) * items.length)];

/** A fresh opaque id with 128 bits of chance. */
export const freshId = (chance: Chance, prefix: string): string => `${prefix}-${hex(chance.bytes(16))}`;
