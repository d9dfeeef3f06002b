/** Deepest nesting that is read: far above any real document, far below what would exhaust the call stack. */
export const MAX_JSON_DEPTH = 64;
/** Fields of one object: far above any document of ours, and known before the million of a hostile one is built. */
export const MAX_JSON_FIELDS = 10_000;
/**
 * Values in one document, of every kind. Written with an indent, as ours are, a value of a log takes 15 characters or more, so
 * that 64 Mi of them hold fewer, and an entry of a ledger file takes hundreds; a text without white space reaches the bound before its
 * values fill the memory.
 */
export const MAX_JSON_VALUES = 5_000_000;

/** True when nothing in `value` nests deeper than MAX_JSON_DEPTH; looks no deeper itself. */
export function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_JSON_DEPTH) return false;
  return Object.values(value).every((inner) => isShallow(inner, depth + 1));
}
