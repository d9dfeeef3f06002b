/** Deepest nesting that is read: far above any real document, far below what would exhaust the call stack. */
export const MAX_JSON_DEPTH = 64;

/** True when nothing in `value` nests deeper than MAX_JSON_DEPTH; looks no deeper itself. */
export function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_JSON_DEPTH) return false;
  return Object.values(value).every((inner) => isShallow(inner, depth + 1));
}
