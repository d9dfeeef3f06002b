/** Bounds of seeded sampling, apart from its code: contracts know them at first load, the code is fetched with an engine. */

export const MAX_TEMPERATURE = 2;
export const NONCE_BYTES = 32;
