/** What a tokenizer makes of one text or of a pair, the model's own tokens around it included. */
export interface Encoding {
  readonly ids: readonly number[];
  /** To which of the two texts each id belongs; null for a model that does not ask. */
  readonly typeIds: readonly number[] | null;
}

export interface FittedEncoding extends Encoding {
  readonly truncated: boolean;
}

/**
 * The encoding with at most `mostTokens` ids: what is too much is left out at the end of `part`, the ids of the text that
 * may be cut, so that the model's own tokens after it stay. Null when all of `part` would not be enough.
 */
export function fitTokens(whole: Encoding, part: readonly number[], mostTokens: number): FittedEncoding | null {
  const excess = whole.ids.length - mostTokens;
  if (excess <= 0) return { ...whole, truncated: false };
  if (excess >= part.length) return null;
  const end = endOfLast(whole.ids, part);
  const cut = (list: readonly number[]): readonly number[] => [...list.slice(0, end - excess), ...list.slice(end)];
  return { ids: cut(whole.ids), typeIds: whole.typeIds === null ? null : cut(whole.typeIds), truncated: true };
}

/** The place after the last occurrence of `part`; the very end when the tokenizer wrote it otherwise in its context. */
function endOfLast(ids: readonly number[], part: readonly number[]): number {
  for (let start = ids.length - part.length; start >= 0; start--)
    if (part.every((id, index) => ids[start + index] === id)) return start + part.length;
  return ids.length;
}
