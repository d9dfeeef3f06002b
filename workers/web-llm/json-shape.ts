import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import { parseJsonThrough } from '#core/wire/parse-json-through';

/**
 * Bounds of a JSON schema before it reaches xgrammar. Its WebAssembly build knows no refusal: what it does not like, a
 * quotation mark in a field's name or a maximum below its minimum, aborts it, and its stack of 64 KB ends at 64 levels.
 * So a schema is read here, and what is handed on is written anew from what was understood.
 */
const MAX_SCHEMA_CHARACTERS = 16_384;
const MAX_DEPTH = 16;
/** Subschemas and listed values together. */
const MAX_PARTS = 512;
const MAX_FIELDS = 64;
const MAX_CHOICES = 16;
const MAX_VALUES = 256;
const MAX_VALUE_CHARACTERS = 256;
/** Bounded numbers of items, of all arrays together. */
const MAX_ITEMS = 256;
/** Bounded lengths of all strings together: compiling takes about 60 ms for each character, over a large vocabulary. */
const MAX_LENGTHS = 64;
/** Bounds of numbers become alternatives of digits. */
const MAX_BOUND = 1_000_000_000;
const FIELD_NAME = /^[\p{L}\p{N}_.-]([\p{L}\p{N}_. /-]{0,62}[\p{L}\p{N}_.-])?$/u;
const DEFINITIONS = '#/$defs/';
const DEFINITION_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Keywords by the type that they belong to. */
const KEYWORDS = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
} as const satisfies Record<string, readonly string[]>;

type TypeName = keyof typeof KEYWORDS;
const isType = (value: unknown): value is TypeName => typeof value === 'string' && Object.hasOwn(KEYWORDS, value);

/** What says nothing about the form. */
const NOTES: ReadonlySet<string> = new Set([
  ...['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples'],
  ...['format', 'deprecated', 'readOnly', 'writeOnly'],
]);

type Fields = Readonly<Record<string, unknown>>;
type Schema = true | Fields;

/** Whether a simple value is of a type that a schema names. */
const fitsType = (value: unknown, type: unknown): boolean =>
  type === 'integer' ? Number.isInteger(value) : type === (value === null ? 'null' : typeof value);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema as xgrammar can take it, or why not. Code: `unsupported_shape`. */
export function readJsonShape(text: string): Result<string> {
  const parsed = parseJsonThrough(v.unknown(), text, MAX_SCHEMA_CHARACTERS);
  if (!parsed.ok) return fail('unsupported_shape', `The form is no JSON schema: ${parsed.error.message}`);
  const read = readRoot(parsed.value);
  return typeof read === 'string'
    ? fail('unsupported_shape', `The form is refused: ${read}.`)
    : ok(JSON.stringify(read));
}

/** The schema as it was understood, or the first reason why it was not. */
function readRoot(root: unknown): Fields | string {
  let problem = null as string | null;
  let parts = 0;
  let lengths = 0;
  let counts = 0;

  /** Remembers the first reason; after it nothing is read any more, and what is made does not count. */
  function refuse<T>(why: string, instead: T): T {
    problem ??= why;
    return instead;
  }

  /** The bounds that are there, in order. */
  function boundsOf(
    fields: Fields,
    low: string,
    high: string,
    fits: (value: number) => boolean,
  ): Record<string, number> {
    const found: Record<string, number> = {};
    for (const name of [low, high]) {
      const value = fields[name];
      if (value === undefined) continue;
      if (typeof value !== 'number' || !fits(value)) return refuse(`${name} is out of range`, {});
      found[name] = value;
    }
    return (found[low] ?? -Infinity) > (found[high] ?? Infinity) ? refuse(`${low} is above ${high}`, {}) : found;
  }
  const upTo = (most: number) => (value: number) => Number.isInteger(value) && value >= 0 && value <= most;

  function valueOf(value: unknown): unknown {
    parts += 1;
    if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
      return value;
    if (typeof value === 'string' && value.length <= MAX_VALUE_CHARACTERS && !LONE_SURROGATE.test(value)) return value;
    return refuse(`a listed value is not simple, or longer than ${MAX_VALUE_CHARACTERS} characters`, null);
  }

  function objectOf({ properties = {}, required = [], additionalProperties }: Fields, depth: number): Fields {
    if (!isFields(properties)) return refuse('properties is not an object', {});
    const names = Object.keys(properties);
    if (names.length > MAX_FIELDS) return refuse(`an object has more than ${MAX_FIELDS} fields`, {});
    if (!names.every((name) => FIELD_NAME.test(name))) return refuse('the name of a field has unusual characters', {});
    if (!Array.isArray(required) || !required.every((name) => typeof name === 'string' && names.includes(name)))
      return refuse('a required field is not among the properties', {});
    const others =
      additionalProperties === undefined || typeof additionalProperties === 'boolean'
        ? additionalProperties
        : schemaOf(additionalProperties, depth + 1);
    return {
      properties: Object.fromEntries(names.map((name) => [name, schemaOf(properties[name], depth + 1)])),
      required: [...new Set(required)],
      ...(others === undefined ? {} : { additionalProperties: others }),
    };
  }

  function arrayOf(fields: Fields, depth: number): Fields {
    const found = boundsOf(fields, 'minItems', 'maxItems', upTo(MAX_ITEMS));
    counts += Math.max(0, ...Object.values(found));
    if (counts > MAX_ITEMS) return refuse(`its bounds of items come to more than ${MAX_ITEMS}`, {});
    return { ...(fields['items'] === undefined ? {} : { items: schemaOf(fields['items'], depth + 1) }), ...found };
  }

  function stringOf(fields: Fields): Fields {
    const found = boundsOf(fields, 'minLength', 'maxLength', upTo(MAX_LENGTHS));
    lengths += Math.max(0, ...Object.values(found));
    return lengths > MAX_LENGTHS
      ? refuse(`its bounds of lengths come to more than ${MAX_LENGTHS} characters`, {})
      : found;
  }

  function typedOf(type: TypeName, fields: Fields, depth: number): Fields {
    switch (type) {
      case 'object':
        return objectOf(fields, depth);
      case 'array':
        return arrayOf(fields, depth);
      case 'string':
        return stringOf(fields);
      case 'number':
        return boundsOf(fields, 'minimum', 'maximum', (value) => Math.abs(value) <= MAX_BOUND);
      case 'integer':
        return boundsOf(
          fields,
          'minimum',
          'maximum',
          (value) => Number.isInteger(value) && Math.abs(value) <= MAX_BOUND,
        );
      case 'boolean':
      case 'null':
        return {};
    }
  }

  /** What `make` makes of the fields, if there are no others than these. */
  function only(fields: Fields, allowed: readonly string[], make: () => Schema): Schema {
    const other = Object.keys(fields).find((name) => !allowed.includes(name) && !NOTES.has(name));
    return other === undefined
      ? make()
      : refuse(`the keyword ${JSON.stringify(other.slice(0, 32))} is not understood here`, true);
  }

  const list = (value: unknown, most: number): readonly unknown[] | null =>
    Array.isArray(value) && value.length > 0 && value.length <= most ? value : null;

  function schemaOf(value: unknown, depth: number): Schema {
    parts += 1;
    if (problem !== null || value === true) return true;
    if (parts > MAX_PARTS) return refuse(`it has more than ${MAX_PARTS} parts`, true);
    if (depth > MAX_DEPTH) return refuse(`it nests deeper than ${MAX_DEPTH} levels`, true);
    if (!isFields(value)) return refuse('a part of it is not a schema', true);
    const { $ref, anyOf, type } = value;
    if ($ref !== undefined) {
      const name = typeof $ref === 'string' && $ref.startsWith(DEFINITIONS) ? $ref.slice(DEFINITIONS.length) : '';
      if (!Object.hasOwn(definitions, name)) return refuse('a reference leads nowhere', true);
      return only(value, ['$ref'], () => ({ $ref }));
    }
    if (anyOf !== undefined) {
      const choices = list(anyOf, MAX_CHOICES);
      if (choices === null) return refuse(`anyOf has not 1 to ${MAX_CHOICES} members`, true);
      return only(value, ['anyOf'], () => ({ anyOf: choices.map((choice) => schemaOf(choice, depth + 1)) }));
    }
    const listed = value['const'] === undefined ? value['enum'] : [value['const']];
    if (listed !== undefined) {
      const values = list(listed, MAX_VALUES);
      if (values === null) return refuse(`enum has not 1 to ${MAX_VALUES} members`, true);
      if (type !== undefined && !values.every((one) => fitsType(one, type)))
        return refuse('a listed value is not of the type beside it', true);
      return only(value, ['const', 'enum', 'type'], () => ({ enum: values.map(valueOf) }));
    }
    if (type === undefined) return only(value, [], () => true);
    if (Array.isArray(type)) {
      // Several types at once only where nothing else is said of them.
      if (type.length === 0 || new Set(type).size !== type.length || !type.every(isType))
        return refuse('type names something that is no type', true);
      return only(value, ['type'], () => ({ type }));
    }
    if (!isType(type)) return refuse('type names something that is no type', true);
    return only(value, ['type', ...KEYWORDS[type]], () => ({ type, ...typedOf(type, value, depth) }));
  }

  if (!isFields(root)) return 'it is not a schema';
  const { $defs = {}, ...rest } = root;
  if (!isFields($defs) || !Object.keys($defs).every((name) => DEFINITION_NAME.test(name)))
    return 'a name in $defs is unusual';
  const definitions: Fields = $defs;
  const shape = schemaOf(rest, 0);
  const read = Object.fromEntries(
    Object.entries(definitions).map(([name, part]) => [name, schemaOf(part, 1)] as const),
  );
  if (problem !== null) return problem;
  if (parts > MAX_PARTS) return `it has more than ${MAX_PARTS} parts`;
  if (shape === true) return 'it says nothing';
  if (leadsToItself(read)) return 'a reference leads back to itself';
  return Object.keys(read).length === 0 ? shape : { ...shape, $defs: read };
}

/** Whether a definition leads to itself before a single character is written: it would allow nothing. */
function leadsToItself(definitions: Readonly<Record<string, Schema>>): boolean {
  const next = (part: Schema): readonly string[] => {
    if (part === true) return [];
    if (part['$ref'] !== undefined) return [(part['$ref'] as string).slice(DEFINITIONS.length)];
    return part['anyOf'] === undefined ? [] : (part['anyOf'] as readonly Schema[]).flatMap(next);
  };
  return Object.keys(definitions).some((start) => {
    const seen = new Set<string>();
    const open = [...next(definitions[start]!)];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (name === start) return true;
      if (seen.has(name)) continue;
      seen.add(name);
      open.push(...next(definitions[name]!));
    }
    return false;
  });
}
