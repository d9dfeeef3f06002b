import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_JSON_DEPTH, MAX_JSON_FIELDS } from './json-limits';
import { parsePlainJson } from './parse-plain-json';

const codeOf = (text: string, maxValues?: number): string => {
  const read = parsePlainJson(text, maxValues);
  return read.ok ? 'ok' : read.error.code;
};
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const fields = (count: number): string => `{${Array.from({ length: count }, (_, at) => `"${at}":0`).join(',')}}`;

test('any JSON text reads as JSON.parse reads it, and whatever that refuses is refused', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), fc.nat(), fc.string({ unit: 'binary-ascii' }), (text, at, more) => {
      expect(parsePlainJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
      const changed = text.slice(0, at % text.length) + more + text.slice(at % text.length);
      let expected: unknown = 'undecodable';
      try {
        expected = JSON.parse(changed);
      } catch {
        expect(codeOf(changed)).toBe('undecodable');
        return;
      }
      expect(parsePlainJson(changed)).toEqual({ ok: true, value: expected });
    }),
  );
});

test('nesting ends at the limit, whatever stands beside it', () => {
  expect(codeOf(nested(MAX_JSON_DEPTH))).toBe('ok');
  expect(codeOf(nested(MAX_JSON_DEPTH + 1))).toBe('too_deep');
  expect(codeOf(`[${Array.from({ length: 200 }, () => nested(MAX_JSON_DEPTH - 1)).join(',')}]`)).toBe('ok');
  expect(codeOf('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000))).toBe('too_deep');
  expect(codeOf('['.repeat(10_000))).toBe('too_deep');
});

test('fields are counted object by object, and values over all', () => {
  expect(codeOf(fields(MAX_JSON_FIELDS))).toBe('ok');
  expect(codeOf(fields(MAX_JSON_FIELDS + 1))).toBe('too_large');
  expect(codeOf(`[${fields(MAX_JSON_FIELDS)},${fields(MAX_JSON_FIELDS)}]`)).toBe('ok');
  expect(codeOf('[1,{"a":2},3]', 5)).toBe('ok');
  expect(codeOf('[1,{"a":2},3,4]', 5)).toBe('too_large');
});

test('what stands in strings is neither nesting nor a field nor a value', () => {
  const text = JSON.stringify({ a: '"[{:,'.repeat(20_000), [`\\"[{:,${'\\'.repeat(9)}`]: '\\' });
  expect(parsePlainJson(text, 3)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
  // A string that does not end holds everything behind it.
  expect(codeOf(`"${'['.repeat(1_000)}`)).toBe('undecodable');
});
