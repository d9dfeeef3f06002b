import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { boxedFloat } from './boxed-float';
import { isShallow, MAX_JSON_DEPTH, MAX_JSON_FIELDS } from './json-limits';
import { equalJson, floatText, jsonText, parseJsonText, withoutBoxes } from './json-text';
import { unwrap } from './result';

const ownKeys = { noNullPrototype: true, depthSize: 'small', stringUnit: 'binary' } as const;

test('any JSON text reads as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue(ownKeys), fc.nat(4), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      fc.pre(!text.includes('"__proto__"'));
      expect(withoutBoxes(unwrap(parseJsonText(text)))).toEqual(JSON.parse(text));
    }),
  );
});

test('whatever JSON.parse refuses is refused, with the place', () => {
  const texts = [
    '',
    '{',
    '[1,]',
    '{"a":1,}',
    '{"a" 1}',
    "{'a':1}",
    '01',
    '1.',
    '+1',
    '.5',
    '"\n"',
    '"\\x"',
    '"',
    'nul',
    '1 2',
    '[1 2]',
    'NaN',
    '\u00a01',
    '{"a":}',
  ];
  for (const text of texts) {
    expect(() => JSON.parse(text) as unknown, text).toThrow();
    const read = parseJsonText(text);
    expect(read.ok ? text : read.error.message).toMatch(/^The file is not valid JSON: .* at line \d+, column \d+\.$/);
  }
  const second = parseJsonText('{\n  "a": ,\n}');
  expect(second.ok || second.error.message).toContain('line 2, column 8');
});

test('reserved keys, deep nesting and numbers beyond a double are refused', () => {
  expect(parseJsonText('{"__proto__":{"a":1}}').ok).toBe(false);
  expect(parseJsonText('{"constructor":1,"prototype":2}')).toEqual({
    ok: true,
    value: { constructor: 1, prototype: 2 },
  });
  expect(parseJsonText('['.repeat(100_000)).ok).toBe(false);
  expect(parseJsonText('['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH)).ok).toBe(true);
  expect(parseJsonText('1e999').ok).toBe(false);
});

test('an object with too many fields and a document with too many values are refused', () => {
  const fields = (count: number) => `{${Array.from({ length: count }, (_, index) => `"${index}":0`).join(',')}}`;
  expect(parseJsonText(fields(MAX_JSON_FIELDS)).ok).toBe(true);
  const many = parseJsonText(`\n ${fields(MAX_JSON_FIELDS + 1)}`);
  expect(many.ok || many.error.message).toMatch(/more than 10000 fields at line 2, column 2\.$/);
  expect(parseJsonText('[[],{"a":1}]', 4).ok).toBe(true);
  const all = parseJsonText('[[],{"a":[1]}]', 4);
  expect(all.ok || all.error.message).toMatch(/more than 4 values at line 1, column 11\.$/);
});

test('a float with a whole value stays a float from text to text', () => {
  const read = unwrap(parseJsonText('{"a":5.0,"b":5,"c":1e2,"d":0.5,"e":-0.0}')) as Record<string, unknown>;
  expect(Object.entries(read).map(([key, value]) => [key, typeof value])).toEqual([
    ['a', 'object'],
    ['b', 'number'],
    ['c', 'object'],
    ['d', 'number'],
    ['e', 'object'],
  ]);
  expect(jsonText(read)).toBe('{"a":5.0,"b":5,"c":100.0,"d":0.5,"e":-0.0}');
  expect(withoutBoxes(read)).toEqual({ a: 5, b: 5, c: 100, d: 0.5, e: -0 });
});

test('a byte order mark before the document is skipped', () => {
  expect(parseJsonText('\ufeff[1]')).toEqual({ ok: true, value: [1] });
});

test('without a style JSON text is what JSON.stringify gives for integers and text', () => {
  fc.assert(
    fc.property(fc.jsonValue(ownKeys), (value) => {
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
      expect(JSON.parse(jsonText(value, { ascii: true, sortKeys: true, indent: 2 }))).toEqual(
        JSON.parse(JSON.stringify(value)),
      );
    }),
  );
  const value = { b: [1, { c: [] }], a: {}, d: 'é\n' };
  expect(jsonText(value, { indent: 2 })).toBe(JSON.stringify(value, null, 2));
});

test('ascii style escapes everything but printable ASCII, in lower-case hex, half pairs too', () => {
  expect(jsonText('é😀\u007f\ud800\n"/', { ascii: true })).toBe('"\\u00e9\\ud83d\\ude00\\u007f\\ud800\\n\\"/"');
});

test('sorted keys are in code point order', () => {
  expect(jsonText({ '\u{10000}': 1, '\uffff': 2, b: 3, a: 4 }, { sortKeys: true })).toBe(
    '{"a":4,"b":3,"\uffff":2,"\u{10000}":1}',
  );
});

test('floats are written in their shortest digits, with a point or an exponent', () => {
  const written = [1, 0, -0, 0.5, 1 / 3, 1e-4, 1e-5, 9.999e-5, 1.5e-7, 123456789, 1e15, 1e16, 1.5e300, 5e-324].map(
    floatText,
  );
  expect(written).toEqual([
    '1.0',
    '0.0',
    '-0.0',
    '0.5',
    '0.3333333333333333',
    '0.0001',
    '1e-05',
    '9.999e-05',
    '1.5e-07',
    '123456789.0',
    '1000000000000000.0',
    '1e+16',
    '1.5e+300',
    '5e-324',
  ]);
  expect(jsonText(boxedFloat(1))).toBe('1.0');
});

test('equal means the same data, keys in any order', () => {
  expect(equalJson({ a: [1, 'x'], b: null }, { b: null, a: [1, 'x'] })).toBe(true);
  const unequal = [
    { a: [1, 'x'] },
    { a: [1, 'x'], b: null, c: 1 },
    { a: [1], b: null },
    { a: ['1', 'x'], b: null },
    null,
    [],
    'a',
    undefined,
  ];
  for (const given of unequal) expect(equalJson({ a: [1, 'x'], b: null }, given)).toBe(false);
  expect(equalJson({ toString: 1 }, { a: 1 })).toBe(false);
});

test('nesting is measured without looking deeper than the limit', () => {
  let deep: unknown = 1;
  for (let level = 0; level < MAX_JSON_DEPTH; level++) deep = [deep];
  expect(isShallow(deep)).toBe(true);
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(isShallow(deep)).toBe(false);
});
