import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { boxedFloat } from '../../base/boxed-float';
import { jsonText } from '../../base/json-text';
import { firstDifference } from './first-difference';

test.each([
  [{ a: [{ b: true }] }, { a: [{ b: false }] }, 'a[0].b is false, but must be true'],
  [{ a: 1, b: 2 }, { b: 2 }, 'a is missing'],
  [{ a: 1 }, { a: 1, z: 2 }, 'the document has "z", which does not belong there'],
  [{ a: { b: 1 } }, { a: { b: 1, z: 2 } }, 'a has "z", which does not belong there'],
  [{ a: [1, 2] }, { a: [1] }, 'a has 1 entries, but must have 2'],
  [{ a: [1] }, { a: {} }, 'a is an object, but must be a list of 1'],
  [{ a: boxedFloat(1) }, { a: 1 }, 'a is 1, but must be 1.0'],
  ['x', 'y'.repeat(100), `the document is "${'y'.repeat(59)}…, but must be "x"`],
])('%j against %j', (expected, actual, sentence) => {
  expect(firstDifference(expected, actual)).toBe(sentence);
});

test('nothing is told of equal values, and something of all others', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      expect(firstDifference(one, one)).toBeNull();
      const style = { sortKeys: true } as const;
      expect(firstDifference(one, other) === null).toBe(jsonText(one, style) === jsonText(other, style));
    }),
  );
});
