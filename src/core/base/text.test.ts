import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  byCodePoint,
  codePoints,
  countCodePoints,
  isBlank,
  isWellFormed,
  isWhiteSpace,
  termsOf,
  wordsOf,
} from './text';

const anyText = fc.string({ unit: 'binary' });

test('white space is the Unicode property and the four information separators, nothing else', () => {
  const found: number[] = [];
  for (let point = 0; point <= 0xffff; point++) if (isWhiteSpace(String.fromCharCode(point))) found.push(point);
  const byProperty: number[] = [];
  for (let point = 0; point <= 0xffff; point++) {
    const separator = point >= 0x1c && point <= 0x1f;
    if (separator || /\p{White_Space}/u.test(String.fromCharCode(point))) byProperty.push(point);
  }
  expect(found).toEqual(byProperty);
  expect(isWhiteSpace('\ufeff')).toBe(false);
  expect(isWhiteSpace('')).toBe(false);
  expect(isWhiteSpace('  ')).toBe(false);
});

test('words joined have no white space and lose nothing else', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(wordsOf(text).join('')).toBe(
        codePoints(text)
          .filter((point) => !isWhiteSpace(point))
          .join(''),
      );
    }),
  );
});

test('a text is blank when it has no word', () => {
  expect(['', ' ', '\u3000\u001c\u0085'].map(isBlank)).toEqual([true, true, true]);
  expect(isBlank('\u200b')).toBe(false);
});

test('characters are code points, half a pair counts as one', () => {
  expect(countCodePoints('a😀\ud800b')).toBe(4);
  expect(codePoints('a😀\ud800')).toEqual(['a', '😀', '\ud800']);
});

test('terms come from full lower-casing: the Kelvin sign is a k, the dotted I an i and a separator', () => {
  expect(termsOf('5\u212a İx É9 ſ')).toEqual(['5k', 'i', 'x', '9']);
});

test('texts order by code point: like UTF-32, unlike UTF-16', () => {
  const texts = ['\u{10000}', '\uffff', '\ue000', 'a', '', 'ab', '\ud800', 'Z'];
  expect([...texts].sort(byCodePoint)).toEqual(['', 'Z', 'a', 'ab', '\ud800', '\ue000', '\uffff', '\u{10000}']);
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      expect(Math.sign(byCodePoint(a, b))).toBe(-Math.sign(byCodePoint(b, a)) + 0);
      expect(byCodePoint(a, b) === 0).toBe(a === b);
    }),
  );
});

test('half a surrogate pair is not well-formed', () => {
  expect([isWellFormed('😀'), isWellFormed('\ud83d'), isWellFormed('a\ude00b')]).toEqual([true, false, false]);
});
