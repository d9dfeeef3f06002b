/** Bounds of structured answers, apart from the code that checks them: contracts know them at first load. */

/** A schema is written for one question; a longer one is a program. */
export const MAX_SCHEMA_CHARACTERS = 8_192;
export const MAX_ANSWER_CHARACTERS = 16_384;
/** Values in one answer, lists and objects counted. */
export const MAX_ANSWER_VALUES = 1_000;
