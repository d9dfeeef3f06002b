/**
 * Text as the deterministic jobs see it: a row of Unicode code points. A surrogate that stands alone counts as one code
 * point, as it does in every language whose strings are rows of code points.
 */
export const codePoints = (text: string): string[] => Array.from(text);

export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * What separates words: the code points with the Unicode property White_Space, and the four information separators
 * U+001C to U+001F, which Unicode does not list but the bidirectional classes treat as separators. JavaScript's `\s` is
 * another set: it lacks U+001C to U+001F and U+0085 and has U+FEFF.
 */
export const WHITE_SPACE_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x0009, 0x000d],
  [0x001c, 0x001f],
  [0x0020, 0x0020],
  [0x0085, 0x0085],
  [0x00a0, 0x00a0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];

const inHex = (codePoint: number): string => `\\u{${codePoint.toString(16)}}`;
const WHITE_SPACE_CLASS = `[${WHITE_SPACE_RANGES.map(([first, last]) => `${inHex(first)}-${inHex(last)}`).join('')}]`;
const WHITE_SPACE = new RegExp(`^${WHITE_SPACE_CLASS}$`, 'u');
const WHITE_SPACE_RUN = new RegExp(`${WHITE_SPACE_CLASS}+`, 'u');

/** True for one code point of white space. */
export const isWhiteSpace = (codePoint: string): boolean => WHITE_SPACE.test(codePoint);

/** The maximal runs without white space, in order. */
export const wordsOf = (text: string): string[] => text.split(WHITE_SPACE_RUN).filter((word) => word !== '');

/** True for a text with nothing but white space, the empty one included. */
export const isBlank = (text: string): boolean => wordsOf(text).length === 0;

/**
 * The maximal runs of `[a-z0-9]` in the lower-cased text, in order. Lower-casing is Unicode's full mapping, not a
 * locale's: the Kelvin sign becomes a plain `k`, and the dotted capital I an `i` followed by a combining dot, which
 * separates.
 */
export const termsOf = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

/** Orders texts by code point: neither by locale nor by UTF-16 unit, where astral characters come too early. */
export function byCodePoint(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length) {
    const left = a.codePointAt(at)!;
    const right = b.codePointAt(at)!;
    if (left !== right) return left - right;
    at += left > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}

/** False when a surrogate stands alone: such a text has no UTF-8 form and cannot cross a link unchanged. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);
