import { randomFillSync } from 'node:crypto';
import type { Chance } from '#core/base/ports';

/** Chance as the system has it. */
export const systemChance: Chance = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
};
