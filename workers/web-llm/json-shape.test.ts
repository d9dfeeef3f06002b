import { describe, expect, it } from 'vitest';
import { readJsonShape } from './json-shape';

const read = (schema: unknown) => {
  const result = readJsonShape(typeof schema === 'string' ? schema : JSON.stringify(schema));
  return result.ok ? (JSON.parse(result.value) as unknown) : result.error.message;
};
const nested = (levels: number): unknown =>
  levels === 0 ? { type: 'null' } : { type: 'array', items: nested(levels - 1) };
const fields = (count: number, of: unknown = { type: 'null' }) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, of]));

describe('a JSON schema as a form', () => {
  it('is written anew from what was understood', () => {
    const form = {
      $schema: 'any',
      title: 'T',
      type: 'object',
      properties: {
        name: { type: 'string', description: 'd', maxLength: 20 },
        'the größe': { type: 'integer', minimum: -5, maximum: 5 },
        kind: { enum: ['a', 'say "b"', 1, null] },
        same: { const: true },
        list: { type: 'array', items: { anyOf: [{ type: 'number' }, { $ref: '#/$defs/x' }] }, minItems: 1 },
        any: {},
        two: { type: ['string', 'null'] },
      },
      required: ['name', 'name'],
      additionalProperties: false,
      $defs: { x: { type: 'object', properties: { more: { $ref: '#/$defs/x' } } } },
    };
    expect(read(form)).toEqual({
      type: 'object',
      properties: {
        name: { type: 'string', maxLength: 20 },
        'the größe': { type: 'integer', minimum: -5, maximum: 5 },
        kind: { enum: ['a', 'say "b"', 1, null] },
        same: { enum: [true] },
        list: { type: 'array', items: { anyOf: [{ type: 'number' }, { $ref: '#/$defs/x' }] }, minItems: 1 },
        any: true,
        two: { type: ['string', 'null'] },
      },
      required: ['name'],
      additionalProperties: false,
      $defs: { x: { type: 'object', properties: { more: { $ref: '#/$defs/x' } }, required: [] } },
    });
  });

  it.each<[string, unknown]>([
    ['no JSON', '{"type":'],
    ['no schema', '"x"'],
    ['a schema that forbids all', 'false'],
    ['a schema that says nothing', '{}'],
    ['a reserved name', '{"type":"object","properties":{"__proto__":{"type":"null"}}}'],
    ['too long a text', `{"description":"${'x'.repeat(16_400)}","type":"null"}`],
    ['more nesting than a call stack holds', '['.repeat(8_000) + ']'.repeat(8_000)],
    ['too deep a form', nested(17)],
    ['too many fields', { type: 'object', properties: fields(65) }],
    ['too many parts', { type: 'object', properties: fields(9, { type: 'object', properties: fields(60) }) }],
    ['a field name that breaks the grammar', { type: 'object', properties: { 'a"b': { type: 'null' } } }],
    ['a field name with a line break', { type: 'object', properties: { 'a\nb': { type: 'null' } } }],
    ['a required field that is none', { type: 'object', properties: {}, required: ['a'] }],
    ['a field that takes nothing', { type: 'object', properties: { a: false } }],
    ['an empty enum', { enum: [] }],
    ['too long an enum', { enum: Array.from({ length: 257 }, (_, n) => n) }],
    ['a listed object', { enum: [{ a: 1 }] }],
    ['a listed value of another type', { type: 'string', enum: ['a', 1] }],
    ['half a character', '{"const":"\\ud800"}'],
    ['an empty choice', { anyOf: [] }],
    ['too many choices', { anyOf: Array.from({ length: 17 }, () => ({ type: 'null' })) }],
    ['a type that is none', { type: 'date' }],
    ['one type twice', { type: ['null', 'null'] }],
    ['bounds in the wrong order', { type: 'array', minItems: 5, maxItems: 2 }],
    ['lengths in the wrong order', { type: 'string', minLength: 5, maxLength: 2 }],
    ['numbers in the wrong order', { type: 'integer', minimum: 5, maximum: 2 }],
    ['a fraction as the bound of a whole number', { type: 'integer', minimum: 0.5 }],
    ['a number out of range', { type: 'number', maximum: 1e300 }],
    ['a million items', { type: 'array', minItems: 1_000_000 }],
    ['many bounded lists', { type: 'object', properties: fields(9, { type: 'array', maxItems: 30 }) }],
    ['a long bounded text', { type: 'string', maxLength: 65 }],
    ['many bounded texts', { type: 'object', properties: fields(9, { type: 'string', maxLength: 8 }) }],
    ['a pattern', { type: 'string', pattern: '^((a{1,100}){1,100}){1,100}$' }],
    ['a keyword that nobody knows', { type: 'object', minProperties: 1 }],
    ['a keyword of another type', { type: 'string', properties: {} }],
    ['a keyword without a type', { properties: {} }],
    ['a reference to another document', { $ref: 'https://elsewhere.test/x.json' }],
    ['a reference to nothing', { $ref: '#/$defs/x' }],
    ['a reference to what every object has', { $ref: '#/$defs/toString' }],
    [
      'a loop of references',
      { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } } },
    ],
    ['an unusual definition', { type: 'null', $defs: { 'a/b': { type: 'null' } } }],
  ])('is refused when it is %s', (_what, schema) => {
    expect(read(schema)).toMatch(/^The form is (refused|no JSON schema): .+\.$/);
  });

  it('keeps what lies just inside of the bounds', () => {
    for (const form of [
      nested(16),
      { type: 'object', properties: fields(64) },
      { type: 'object', properties: fields(8, { type: 'string', maxLength: 8 }) },
      { type: 'array', maxItems: 256 },
      { enum: Array.from({ length: 256 }, (_, n) => n) },
    ])
      expect(typeof read(form)).toBe('object');
  });
});
