/** What a broken or unfinished byte sequence decodes to. */
const REPLACEMENT = '\uFFFD';

/** The part of a decoded text that further tokens cannot change: an unfinished character at its end is left out. */
export function settledText(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === REPLACEMENT) end--;
  return text.slice(0, end);
}

export interface TextDeltas {
  /**
   * What the answer gained: the difference between `wholeText` (everything decoded up to now) and what was given out
   * before. The bytes of an unfinished character are held back until it is complete, or until `last`.
   */
  next(wholeText: string, last: boolean): string;
}

/**
 * Turns whole-text decodes into deltas that join to the last of them. Decoding token by token would break characters
 * that span tokens. `shownText` is the decode of tokens that were given out before, empty for a fresh answer.
 */
export function createTextDeltas(shownText: string): TextDeltas {
  let given = settledText(shownText).length;
  return {
    next(wholeText, last) {
      const text = last ? wholeText : settledText(wholeText);
      const delta = text.slice(given);
      given = Math.max(given, text.length);
      return delta;
    },
  };
}
