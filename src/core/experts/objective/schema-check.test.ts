import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { MAX_ANSWER_CHARACTERS, MAX_SCHEMA_CHARACTERS } from './answer-limits';
import { textsOf } from './json-texts';
import { costOfPattern } from './pattern-cost';
import { readSchema } from './schema-bounds';
import { checkStructured } from './schema-check';

const codeOf = (schema: unknown, answer: unknown): string => {
  const result = checkStructured(
    typeof schema === 'string' ? schema : JSON.stringify(schema),
    typeof answer === 'string' ? answer : JSON.stringify(answer),
  );
  return result.ok ? 'ok' : result.error.code;
};
const schemaCode = (schema: unknown): string => {
  const result = readSchema(typeof schema === 'string' ? schema : JSON.stringify(schema));
  return result.ok ? 'ok' : result.error.code;
};

const invoice = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    number: { type: 'string', pattern: '^[A-Z]{2}-[0-9]{1,6}$' },
    total: { type: 'number', minimum: 0, multipleOf: 0.01 },
    lines: { type: 'array', items: { $ref: '#/$defs/line' }, minItems: 1, maxItems: 20, uniqueItems: true },
    paid: { type: ['boolean', 'null'] },
    kind: { enum: ['invoice', 'credit'] },
  },
  required: ['number', 'total', 'lines'],
  additionalProperties: false,
  $defs: { line: { type: 'object', properties: { text: { type: 'string', maxLength: 40 } }, required: ['text'] } },
};
const right = { number: 'AB-12', total: 12.34, lines: [{ text: 'a' }], paid: null, kind: 'invoice' };

describe('an answer fits its schema or not', () => {
  it('accepts what fits and gives its value', () => {
    expect(unwrap(checkStructured(JSON.stringify(invoice), JSON.stringify(right)))).toEqual(right);
  });

  it('rejects what does not, keyword by keyword', () => {
    for (const wrong of [
      { ...right, number: 'ab-12' },
      { ...right, total: -1 },
      { ...right, total: 1.005 },
      { ...right, lines: [] },
      { ...right, lines: [{ text: 'a' }, { text: 'a' }] },
      { ...right, lines: [{}] },
      { ...right, lines: [{ text: 'x'.repeat(41) }] },
      { ...right, paid: 'yes' },
      { ...right, kind: 'order' },
      { ...right, more: 1 },
      { number: 'AB-12', total: 1 },
      [],
      null,
      'text',
    ])
      expect(codeOf(invoice, JSON.stringify(wrong))).toBe('not_to_schema');
  });

  it('knows the ways of combining', () => {
    const either = {
      oneOf: [
        { type: 'string', minLength: 2 },
        { type: 'integer', exclusiveMinimum: 3 },
      ],
      not: { const: 'no' },
    };
    expect(['"yes"', '4', '"no"', '"x"', '3', '4.5'].map((answer) => codeOf(either, answer))).toEqual([
      'ok',
      'ok',
      ...Array<string>(4).fill('not_to_schema'),
    ]);
    expect(codeOf({ allOf: [{ minimum: 1 }, { maximum: 2 }] }, 3)).toBe('not_to_schema');
    expect(codeOf({ anyOf: [{ minimum: 5 }, { maximum: 2 }] }, 1)).toBe('ok');
    expect(codeOf({ prefixItems: [{ type: 'string' }], items: { type: 'number' } }, ['a', 1, 2])).toBe('ok');
    expect(codeOf({ prefixItems: [{ type: 'string' }], items: { type: 'number' } }, ['a', 'b'])).toBe('not_to_schema');
    expect(codeOf({ additionalProperties: { type: 'number' }, minProperties: 1 }, { a: 'x' })).toBe('not_to_schema');
  });

  it('takes no inherited property for one that is there', () => {
    expect(codeOf({ type: 'object', required: ['toString'] }, '{}')).toBe('not_to_schema');
    expect(codeOf({ type: 'object', properties: { valueOf: { type: 'string' } } }, '{}')).toBe('ok');
    expect(codeOf({ type: 'object', properties: { toString: false } }, '{}')).toBe('ok');
    expect(codeOf({ type: 'object', additionalProperties: false }, '{"hasOwnProperty": 1}')).toBe('not_to_schema');
  });

  it('reads no answer that is not JSON, too large, too deep, or reaches for a prototype', () => {
    for (const answer of [
      '',
      '{',
      "{'a': 1}",
      '{"a": 1} more',
      'NaN',
      '{"__proto__": {"a": 1}}',
      '{"a": {"constructor": 1}}',
    ])
      expect(codeOf({}, answer)).toBe('not_json');
    expect(codeOf({}, `${'['.repeat(70)}${']'.repeat(70)}`)).toBe('not_json');
    expect(codeOf({}, `${'['.repeat(8_000)}${']'.repeat(8_000)}`)).toBe('not_json');
    expect(codeOf({}, `"${'x'.repeat(MAX_ANSWER_CHARACTERS)}"`)).toBe('answer_too_large');
    expect(codeOf({}, JSON.stringify(new Array(1_001).fill(1)))).toBe('answer_too_large');
  });

  it('gives the texts of an answer in the order of the document, names left out', () => {
    expect(textsOf({ b: 'one', a: ['two', { c: 'three', d: 4, e: null }], f: '' })).toEqual([
      'one',
      'two',
      'three',
      '',
    ]);
  });
});

describe('a hostile schema is refused before anything is held against it', () => {
  it('text that is no schema', () => {
    for (const schema of [
      '',
      '[]',
      'true',
      '"x"',
      '{"type": 5}',
      '{"type": "text"}',
      '{"properties": []}',
      '{"required": "a"}',
    ])
      expect(schemaCode(schema)).toBe('bad_schema');
    for (const schema of [
      '{"minLength": -1}',
      '{"maxItems": 1e99}',
      '{"multipleOf": 0}',
      '{"enum": []}',
      '{"anyOf": []}',
      '{"items": 1}',
    ])
      expect(schemaCode(schema)).toBe('bad_schema');
  });

  it('keywords that are not understood here, or understood differently elsewhere', () => {
    for (const key of [
      '$id',
      '$anchor',
      '$dynamicRef',
      '$recursiveRef',
      '$vocabulary',
      'definitions',
      'format',
      'if',
      'contains',
      'patternProperties',
      'unevaluatedProperties',
      'dependentSchemas',
      'x-own',
    ])
      expect(schemaCode({ [key]: {} })).toBe('bad_schema');
    expect(schemaCode({ $schema: 'http://json-schema.org/draft-04/schema#' })).toBe('bad_schema');
  });

  it('references that lead elsewhere, nowhere, or in a circle', () => {
    for (const $ref of [
      'https://example.org/s.json',
      '#',
      '#/properties/a',
      'other.json#/$defs/a',
      '#/$defs/a/b',
      '#/$defs/none',
      '#/$defs/toString',
    ])
      expect(schemaCode({ $ref, $defs: { a: {} } })).toBe('bad_schema');
    expect(
      schemaCode({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { items: { $ref: '#/$defs/a' } } } }),
    ).toBe('schema_recursive');
    expect(schemaCode({ $defs: { a: { $ref: '#/$defs/a' } } })).toBe('schema_recursive');
    expect(schemaCode({ items: { $defs: { a: {} }, $ref: '#/$defs/a' } })).toBe('bad_schema');
  });

  it('a few references that unfold into millions', () => {
    const $defs: Record<string, unknown> = { d0: { type: 'string' } };
    for (let level = 1; level <= 6; level++)
      $defs[`d${level}`] = { anyOf: Array.from({ length: 10 }, () => ({ $ref: `#/$defs/d${level - 1}` })) };
    expect(schemaCode({ $ref: '#/$defs/d1', $defs: { d0: $defs['d0'], d1: $defs['d1'] } })).toBe('ok');
    expect(schemaCode({ $ref: '#/$defs/d6', $defs })).toBe('schema_too_large');
  });

  it('size and depth', () => {
    expect(schemaCode(JSON.stringify({ title: 'x' }).padEnd(MAX_SCHEMA_CHARACTERS + 1))).toBe('schema_too_large');
    expect(schemaCode({ anyOf: Array.from({ length: 129 }, () => true) })).toBe('bad_schema');
    let nested: unknown = {};
    for (let depth = 0; depth < 20; depth++) nested = { not: nested };
    expect(schemaCode(nested)).toBe('schema_too_large');
    let deep: unknown = {};
    for (let depth = 0; depth < 70; depth++) deep = { enum: [deep] };
    expect(schemaCode(deep)).toBe('bad_schema');
  });

  it('prototype tricks', () => {
    for (const schema of [
      '{"properties": {"__proto__": {"type": "string"}}}',
      '{"__proto__": {"type": "string"}}',
      '{"$defs": {"constructor": {}}}',
    ])
      expect(schemaCode(schema)).toBe('bad_schema');
  });

  it('never throws, whatever schema and answer are', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    const keyword = fc.constantFrom(
      'type',
      'enum',
      'const',
      'properties',
      'items',
      'anyOf',
      'not',
      '$ref',
      '$defs',
      'pattern',
      'required',
      'minimum',
      'uniqueItems',
    );
    const schema = fc.oneof(
      json,
      fc.dictionary(keyword, fc.oneof(json, fc.constantFrom('string', '#/$defs/a', '^a+$', ['a']))),
    );
    fc.assert(
      fc.property(schema, json, (from, answer) => {
        expect(codeOf(JSON.stringify(from), JSON.stringify(answer))).toMatch(/^[a-z_]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a pattern is used only when its cost can be told and is small', () => {
  const cost = (pattern: string, length: number): number => unwrap(costOfPattern(pattern)).ways(length);

  it('what it cannot read is refused', () => {
    for (const pattern of [
      '(',
      'a{2,1}',
      '(?=a)',
      '(?<=a)b',
      '(a)\\1',
      '(?<n>a)',
      '\\p{L}',
      '\\b',
      '[a',
      'a**',
      '[[a]--[b]]',
      'x'.repeat(201),
      'a{2000}',
    ])
      expect(costOfPattern(pattern)).toMatchObject({ ok: false, error: { code: 'pattern_refused' } });
  });

  it('ways multiply side by side, add up over alternatives, and explode where repetitions nest', () => {
    expect(cost('^abc$', 50)).toBe(1);
    expect(cost('^a?b?$', 50)).toBe(4);
    expect(cost('^[a-z]{2,5}x$', 50)).toBe(4);
    expect(cost('^(?:a|bc|d?)$', 50)).toBe(4);
    expect(cost('^\\d+\\.\\d*$', 50)).toBe(50 * 51);
    expect(cost('^(?:ab)*$', 50)).toBe(51);
    expect(cost('^(a+)+$', 50)).toBeGreaterThan(1e50);
    expect(cost('^(a|a)*$', 50)).toBeGreaterThan(1e15);
  });

  it('a pattern that backtracks without end holds nobody up', () => {
    const texts = { type: 'string', pattern: '^(a+)+$' };
    expect(codeOf(texts, `"${'a'.repeat(60)}b"`)).toBe('too_costly');
    expect(codeOf({ pattern: '^a*a*a*a*a*b$' }, `"${'a'.repeat(5_000)}"`)).toBe('too_costly');
    expect(codeOf({ pattern: 'a*b' }, `"${'a'.repeat(16_000)}"`)).toBe('too_costly');
    const many = { items: { anyOf: Array.from({ length: 100 }, () => ({ pattern: '^a*a*b$' })) } };
    expect(codeOf(many, JSON.stringify(new Array(100).fill('a'.repeat(100))))).toBe('too_costly');
  });

  it('plain patterns work on plain texts', () => {
    expect(codeOf({ pattern: '^[a-z.]+@[a-z]+\\.[a-z]{2,6}$' }, '"ada@example.org"')).toBe('ok');
    expect(codeOf({ pattern: '^[a-z.]+@[a-z]+\\.[a-z]{2,6}$' }, '"ada at example"')).toBe('not_to_schema');
    expect(codeOf({ pattern: 'b|^c' }, '"abc"')).toBe('ok');
  });
});
